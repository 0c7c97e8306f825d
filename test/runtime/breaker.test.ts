import { describe, expect, test } from 'vitest';
import { failure, isFailure } from '../../src/kernel/errors.ts';
import { createBreaker } from '../../src/runtime/breaker.ts';
import { createSimulatedClock } from '../../src/testing/simulated-clock.ts';

const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });

describe('a breaker', () => {
  const fail = () => Promise.reject(refused);
  const ok = async () => 'ok';
  const open = async (failures = 5) => {
    const clock = createSimulatedClock();
    const breaker = createBreaker({ name: 'channel.test', clock });
    const states: string[] = [];
    breaker.onChange((state) => states.push(state));
    for (let n = 0; n < failures; n++) await expect(breaker.run(fail)).rejects.toBe(refused);
    return { clock, breaker, states };
  };

  test('opens after five passing failures in a row and tells for how long', async () => {
    const { clock, breaker, states } = await open();
    expect(states).toEqual(['open']);
    await clock.advance(10_000);
    const error = await breaker.run(ok).catch((cause: unknown) => cause);
    expect(isFailure(error, 'BREAKER_OPEN') && error.explanation.details).toMatchObject({ retryAfterMs: 20_000 });
  });

  test('a success in between starts the count again', async () => {
    const { breaker } = await open(4);
    expect(await breaker.run(ok)).toBe('ok');
    for (let n = 0; n < 4; n++) await expect(breaker.run(fail)).rejects.toBe(refused);
    expect(breaker.state()).toBe('closed');
    await expect(breaker.run(fail)).rejects.toBe(refused);
    expect(breaker.state()).toBe('open');
  });

  test('a lasting failure is an answer: it does not count, and starts the count again', async () => {
    const { breaker } = await open(4);
    const rejected = () => Promise.reject(failure('CHANNEL_REJECTED'));
    for (let n = 0; n < 20; n++)
      await expect(breaker.run(rejected)).rejects.toMatchObject({ code: 'CHANNEL_REJECTED' });
    await expect(breaker.run(fail)).rejects.toBe(refused);
    expect(breaker.state()).toBe('closed');
  });

  test('a process that drains counts for nothing', async () => {
    const { breaker } = await open(4);
    const drained = () => Promise.reject(failure('DRAINING'));
    for (let n = 0; n < 5; n++) await expect(breaker.run(drained)).rejects.toMatchObject({ code: 'DRAINING' });
    expect(breaker.state()).toBe('closed');
    await expect(breaker.run(fail)).rejects.toBe(refused);
    expect(breaker.state()).toBe('open');
  });

  test('lets one probe through when half open, and closes when it is answered', async () => {
    const { clock, breaker, states } = await open();
    await clock.advance(30_000);
    expect(breaker.state()).toBe('halfOpen');
    const gate = Promise.withResolvers<string>();
    const probe = breaker.run(() => gate.promise);
    await expect(breaker.run(ok)).rejects.toMatchObject({ code: 'BREAKER_OPEN' });
    gate.resolve('probed');
    expect(await probe).toBe('probed');
    expect(await breaker.run(ok)).toBe('ok');
    expect(states).toEqual(['open', 'halfOpen', 'closed']);
  });

  test('opens again for the whole time when the probe fails', async () => {
    const { clock, breaker, states } = await open();
    await clock.advance(30_000);
    await expect(breaker.run(fail)).rejects.toBe(refused);
    await clock.advance(29_999);
    expect(breaker.state()).toBe('open');
    await clock.advance(1);
    expect(states).toEqual(['open', 'halfOpen', 'open', 'halfOpen']);
  });

  test('a probe that drains lets the next call be the probe', async () => {
    const { clock, breaker } = await open();
    await clock.advance(30_000);
    await expect(breaker.run(() => Promise.reject(failure('DRAINING')))).rejects.toMatchObject({ code: 'DRAINING' });
    expect(await breaker.run(ok)).toBe('ok');
    expect(breaker.state()).toBe('closed');
  });

  test('a probe that never ends counts as failed, and what it still tells counts for nothing', async () => {
    const { clock, breaker } = await open();
    await clock.advance(30_000);
    const gate = Promise.withResolvers<string>();
    const probe = breaker.run(() => gate.promise);
    await clock.advance(30_000);
    expect(breaker.state()).toBe('open');
    await clock.advance(30_000);
    expect(breaker.state()).toBe('halfOpen');
    gate.resolve('late');
    await probe;
    expect(breaker.state()).toBe('halfOpen');
  });

  test('a call that began before it opened says nothing of what is now', async () => {
    const { clock, breaker } = await open(4);
    const late = Promise.withResolvers<string>();
    const call = breaker.run(() => late.promise);
    await expect(breaker.run(fail)).rejects.toBe(refused);
    await clock.advance(30_000);
    expect(await breaker.run(ok)).toBe('ok');
    for (let n = 0; n < 4; n++) await expect(breaker.run(fail)).rejects.toBe(refused);
    late.resolve('late');
    await call;
    await expect(breaker.run(fail)).rejects.toBe(refused);
    expect(breaker.state()).toBe('open');
  });

  test('stopped, it has no timer left', async () => {
    const { clock, breaker } = await open();
    breaker.stop();
    expect(clock.waiting).toBe(0);
    await expect(breaker.run(ok)).rejects.toMatchObject({ code: 'BREAKER_OPEN' });
  });
});
