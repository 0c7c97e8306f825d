import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { sleep } from '../../src/kernel/clock.ts';
import { createSimulatedClock } from '../../src/testing/simulated-clock.ts';

describe('the simulated clock', () => {
  it('stands still until it is told to go on', async () => {
    const clock = createSimulatedClock(1_000);
    expect([clock.now(), clock.monotonicMs()]).toEqual([1_000, 0]);
    await clock.settle();
    expect([clock.now(), clock.monotonicMs()]).toEqual([1_000, 0]);
    await clock.advance(250);
    expect([clock.now(), clock.monotonicMs()]).toEqual([1_250, 250]);
  });

  it('runs what is due in the order of its time, equal times in the order they were set, and tells each its own time', async () => {
    const clock = createSimulatedClock();
    const ran: (readonly [string, number])[] = [];
    const note = (name: string) => () => ran.push([name, clock.monotonicMs()]);
    clock.setTimeout(note('late'), 30);
    clock.setTimeout(note('first'), 10);
    clock.setTimeout(note('second'), 10);
    clock.setTimeout(note('at once'), 0);
    clock.setTimeout(note('not yet'), 31);
    await clock.advance(30);
    expect(ran).toEqual([
      ['at once', 0],
      ['first', 10],
      ['second', 10],
      ['late', 30],
    ]);
    expect(clock.waiting).toBe(1);
  });

  it('runs, in the same advance, what a timer or a promise behind it sets', async () => {
    const clock = createSimulatedClock();
    const beats: number[] = [];
    const beat = async () => {
      for (;;) {
        await sleep(clock, 1_000);
        await setImmediate();
        beats.push(clock.monotonicMs());
      }
    };
    void beat();
    await clock.advance(3_500);
    expect(beats).toEqual([1_000, 2_000, 3_000]);
  });

  it('lets promises settle before any time passes', async () => {
    const clock = createSimulatedClock();
    const ran: number[] = [];
    void Promise.resolve().then(() => clock.setTimeout(() => ran.push(clock.monotonicMs()), 5));
    await clock.advance(5);
    expect(ran).toEqual([5]);
  });

  it('runs no timer that was cleared, not by one of the same time either', async () => {
    const clock = createSimulatedClock();
    const ran: string[] = [];
    const gone = clock.setTimeout(() => ran.push('gone'), 5);
    clock.setTimeout(() => clock.clearTimeout(met), 10);
    const met = clock.setTimeout(() => ran.push('met'), 10);
    clock.clearTimeout(gone);
    clock.clearTimeout(gone);
    await clock.advance(20);
    expect(ran).toEqual([]);
    expect(clock.waiting).toBe(0);
  });

  it('steps the wall clock alone', async () => {
    const clock = createSimulatedClock(10_000_000);
    const ran: number[] = [];
    clock.setTimeout(() => ran.push(clock.now()), 100);
    clock.stepWallClock(-3_600_000);
    expect([clock.now(), clock.monotonicMs()]).toEqual([6_400_000, 0]);
    await clock.advance(100);
    expect(ran).toEqual([6_400_100]);
  });

  it('rejects with what a task threw, at the time when it did', async () => {
    const clock = createSimulatedClock();
    clock.setTimeout(() => {
      throw new Error('thrown');
    }, 5);
    await expect(clock.advance(10)).rejects.toThrow('thrown');
    expect(clock.monotonicMs()).toBe(5);
    await clock.advance(5);
    expect(clock.monotonicMs()).toBe(10);
  });

  it('lets no time pass before the real work that is under way, and what follows from it', async () => {
    let work: Promise<unknown> | undefined;
    const clock = createSimulatedClock(0, () => work);
    const done: number[] = [];
    const call = async () => {
      for (let turn = 0; turn < 20; turn++) await setImmediate();
      done.push(clock.monotonicMs());
    };
    clock.setTimeout(() => {
      work = call()
        .then(call)
        .finally(() => {
          work = undefined;
        });
    }, 10);
    await clock.advance(1_000);
    expect(done).toEqual([10, 10]);
    expect(clock.monotonicMs()).toBe(1_000);
  });
});
