import { describe, expect, it } from 'vitest';
import { type RetryEvent, retryMachine } from '../../machines/retry.machine.ts';
import { run } from '../../src/kernel/statechart.ts';
import { createSimulatedClock } from '../../src/testing/simulated-clock.ts';
import { unreached } from './paths.ts';

const input = { attempts: 3, delayMs: 100, maxDelayMs: 150 };
const passing: RetryEvent = { type: 'attempt.failed', retryable: true, jitter: 0 };
const lasting: RetryEvent = { type: 'attempt.failed', retryable: false, jitter: 0 };

function started() {
  const clock = createSimulatedClock();
  const attempts: number[] = [];
  const driven = retryMachine.provide({ actions: { attempt: ({ context }) => void attempts.push(context.attempt) } });
  const machine = run(driven, clock, { input });
  return {
    clock,
    attempts,
    told(...events: readonly RetryEvent[]) {
      for (const event of events) machine.send(event);
      return machine.snapshot().value;
    },
    waitMs: () => machine.snapshot().context.waitMs,
  };
}

describe('the retry machine', () => {
  it('has no state or transition that no path reaches', () => {
    const carried = (type: string) => (type === 'attempt.failed' ? [passing, lasting] : [{}]);
    expect(unreached(retryMachine, { inputs: [input], carried, apart: ({ attempt }) => attempt })).toEqual([]);
  });

  it('starts no attempt itself: the first is under way', () => {
    const { attempts, told } = started();
    expect(told({ type: 'attempt.succeeded' })).toBe('succeeded');
    expect(attempts).toEqual([]);
  });

  it('starts the next attempt after the wait, not before, and counts it', async () => {
    const { attempts, clock, told } = started();
    expect(told(passing)).toBe('waiting');
    await clock.advance(99);
    expect(attempts).toEqual([]);
    await clock.advance(1);
    expect(attempts).toEqual([2]);
    expect(told()).toBe('attempting');
  });

  it('doubles the wait up to the bound, and jitter takes away up to half', async () => {
    const { clock, told, waitMs } = started();
    told({ ...passing, jitter: 1 });
    expect(waitMs()).toBe(50);
    await clock.advance(50);
    told(passing);
    expect(waitMs()).toBe(150);
  });

  it('is exhausted when the last attempt fails', async () => {
    const { attempts, clock, told } = started();
    for (let failures = 1; failures < 3; failures++) {
      told(passing);
      await clock.advance(150);
    }
    expect(told(passing)).toBe('exhausted');
    await clock.advance(60_000);
    expect(attempts).toEqual([2, 3]);
  });

  it('rejects what another attempt would not change, on the last attempt too', async () => {
    expect(started().told(lasting)).toBe('rejected');
    const { clock, told } = started();
    told(passing);
    await clock.advance(100);
    expect(told(lasting)).toBe('rejected');
  });

  it.each([
    ['an attempt is under way', []],
    ['it waits', [passing]],
  ])('ends at once when it is aborted while %s', async (_, before) => {
    const { attempts, clock, told } = started();
    expect(told(...before, { type: 'aborted' })).toBe('aborted');
    expect(clock.waiting).toBe(0);
    expect(attempts).toEqual([]);
  });
});
