import { describe, expect, test } from 'vitest';
import { failure } from '../../src/kernel/errors.ts';
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

  test('an abort waits for the attempt under way when told so; it is the last', async () => {
    const stop = new AbortController();
    const stopping = { ...options, signal: stop.signal, waitsForTask: true };
    const gates = [Promise.withResolvers<number>(), Promise.withResolvers<number>()] as const;
    const behind = (gate: Promise<number>) => (attempt: number) => (attempt === 1 ? Promise.reject(refused) : gate);
    const succeeding = expect(retrying(behind(gates[0].promise), stopping)).resolves.toBe(7);
    const failing = expect(retrying(behind(gates[1].promise), stopping)).rejects.toBe(refused);
    await clock.advance(1_000);
    stop.abort();
    gates[0].resolve(7);
    gates[1].reject(refused);
    await Promise.all([succeeding, failing]);
    expect(clock.waiting).toBe(0);
  });
});
