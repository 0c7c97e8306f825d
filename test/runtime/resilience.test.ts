import { describe, expect, test } from 'vitest';
import { failure, isFailure } from '../../src/kernel/errors.ts';
import { createBreaker } from '../../src/runtime/breaker.ts';
import { isPassing } from '../../src/runtime/passing.ts';
import { type RetryOptions, retrying } from '../../src/runtime/retry.ts';
import { createSimulatedClock } from '../../src/testing/simulated-clock.ts';

const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
const noJitter = () => 0;

/** Fails with these errors first, then returns the number of its attempt. */
function failing(...errors: readonly unknown[]) {
  const attempts: number[] = [];
  const task = async (attempt: number) => {
    attempts.push(attempt);
    const error = errors[attempt - 1];
    if (error !== undefined) throw error;
    return attempt;
  };
  return { task, attempts };
}

describe('retrying', () => {
  const clock = createSimulatedClock();
  const options: RetryOptions = { clock, delayMs: 1_000, random: noJitter };

  test('a task that succeeds at once sets no timer', async () => {
    const { task } = failing();
    expect(await retrying(task, options)).toBe(1);
    expect(clock.waiting).toBe(0);
  });

  test('waits twice as long after each failure, up to the bound', async () => {
    const waits: number[] = [];
    const { task, attempts } = failing(...Array(7).fill(refused));
    const result = retrying(task, { ...options, maxDelayMs: 10_000, onRetry: (_, __, delayMs) => waits.push(delayMs) });
    await clock.advance(999);
    expect(attempts).toEqual([1]);
    await clock.advance(1);
    expect(attempts).toEqual([1, 2]);
    await clock.advance(60_000);
    expect(await result).toBe(8);
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000]);
  });

  test('jitter takes away up to half of a wait', async () => {
    const waits: number[] = [];
    const { task } = failing(refused, refused);
    const random = [0.5, 1][Symbol.iterator]();
    const result = retrying(task, {
      ...options,
      random: () => random.next().value ?? 0,
      onRetry: (_, __, delayMs) => waits.push(delayMs),
    });
    await clock.advance(5_000);
    expect(await result).toBe(3);
    expect(waits).toEqual([750, 1_000]);
  });

  test('waits out a passing failure for days when there is no bound', async () => {
    const { task, attempts } = failing(...Array(200).fill(refused));
    const result = retrying(task, options);
    await clock.advance(2 * 60 * 60_000);
    expect(await result).toBe(201);
    expect(attempts).toHaveLength(201);
  });

  test('rejects with the last error when the attempts are used up', async () => {
    const last = failure('CHANNEL_UNAVAILABLE');
    const { task, attempts } = failing(refused, refused, last, refused);
    const result = expect(retrying(task, { ...options, attempts: 3 })).rejects.toBe(last);
    await clock.advance(60_000);
    await result;
    expect(attempts).toEqual([1, 2, 3]);
    expect(clock.waiting).toBe(0);
  });

  test('rejects at once with an error that another attempt would not change', async () => {
    const rejected = failure('CHANNEL_REJECTED');
    const { task, attempts } = failing(rejected);
    await expect(retrying(task, options)).rejects.toBe(rejected);
    expect(attempts).toEqual([1]);

    const later = failing(refused, rejected);
    const result = expect(retrying(later.task, options)).rejects.toBe(rejected);
    await clock.advance(1_000);
    await result;
  });

  test('an abort ends the waiting with DRAINING, and no attempt follows', async () => {
    const stop = new AbortController();
    const { task, attempts } = failing(refused, refused);
    const result = expect(retrying(task, { ...options, signal: stop.signal })).rejects.toMatchObject({
      code: 'DRAINING',
    });
    await clock.advance(500);
    stop.abort();
    await result;
    await clock.advance(60_000);
    expect(attempts).toEqual([1]);
    expect(clock.waiting).toBe(0);
    await expect(retrying(task, { ...options, signal: stop.signal })).rejects.toMatchObject({ code: 'DRAINING' });
    expect(attempts).toEqual([1]);
  });

  test('an abort does not wait for the attempt under way, nor for what it still tells', async () => {
    const stop = new AbortController();
    const gate = Promise.withResolvers<number>();
    const task = (attempt: number) => (attempt === 1 ? Promise.reject(refused) : gate.promise);
    const result = expect(retrying(task, { ...options, signal: stop.signal })).rejects.toMatchObject({
      code: 'DRAINING',
    });
    await clock.advance(1_000);
    stop.abort();
    await result;
    gate.reject(refused);
    await clock.advance(60_000);
    expect(clock.waiting).toBe(0);
  });
});

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

describe('passing failures', () => {
  test.each([
    ['an error of ours that is retryable', failure('CHANNEL_UNAVAILABLE'), true],
    ['an open breaker', failure('BREAKER_OPEN'), true],
    ['an error of ours that is not', failure('CHANNEL_REJECTED', { cause: refused }), false],
    ['a refused connection', refused, true],
    ['a refused connection within `fetch failed`', new TypeError('fetch failed', { cause: refused }), true],
    ['all addresses refused', new AggregateError([refused, refused]), true],
    ['a time-out', new DOMException('late', 'TimeoutError'), true],
    ['an abort', new DOMException('stop', 'AbortError'), true],
    ['a 503', { status: 503 }, true],
    ['a 429', { statusCode: 429 }, true],
    ['a 404', { status: 404 }, false],
    ['a mistake in the code', new TypeError('x is not a function'), false],
    ['no error at all', undefined, false],
  ])('%s: %#', (_, error, expected) => {
    expect(isPassing(error)).toBe(expected);
  });
});
