import { setImmediate } from 'node:timers/promises';
import type { Clock, TimerHandle } from '../kernel/clock.ts';

/** A clock that stands still until it is told to go on: what waits an hour is tested in a moment. */
export interface SimulatedClock extends Clock {
  /** Lets `durationMs` pass: runs the timers due by then (inclusive) in the order of their time, those they set too, and
   * lets promises settle before, between and after them. @throws what a timer's task threw; the time stays there. */
  advance(durationMs: number): Promise<void>;
  /** Lets promises settle while no time passes. */
  settle(): Promise<void>;
  /** Moves `now()` alone, back too, as an operator or NTP does. Timers and `monotonicMs()` know nothing of it. */
  stepWallClock(byMs: number): void;
  /** How many timers wait. */
  readonly waiting: number;
}

/**
 * @param startMs what `now()` says at first; `monotonicMs()` starts at 0. Default: 2026-01-01T00:00:00Z.
 * @param underWay what real work, such as calls of a server, no time may pass before; undefined when there is none.
 */
export function createSimulatedClock(
  startMs = Date.UTC(2026, 0, 1),
  underWay: () => Promise<unknown> | undefined = () => undefined,
): SimulatedClock {
  let elapsedMs = 0;
  let wallMs = startMs;
  // By due time; equal ones in the order they were set.
  const timers: Timer[] = [];

  async function settle(): Promise<void> {
    await turns();
    for (let work = underWay(); work !== undefined; work = underWay()) {
      await work;
      await turns();
    }
  }

  return {
    now: () => wallMs + elapsedMs,
    monotonicMs: () => elapsedMs,
    setTimeout(task, delayMs) {
      // Node, too, takes what is no positive number as "at once".
      const timer: Timer = { dueMs: elapsedMs + (delayMs > 0 ? delayMs : 0), task };
      timers.splice(firstAfter(timers, timer.dueMs), 0, timer);
      return { timer };
    },
    clearTimeout({ timer }: TimerHandle) {
      const at = timers.indexOf(timer as Timer);
      if (at >= 0) timers.splice(at, 1);
    },
    async advance(durationMs) {
      const untilMs = elapsedMs + durationMs;
      await settle();
      for (let next = timers[0]; next !== undefined && next.dueMs <= untilMs; next = timers[0]) {
        timers.shift();
        elapsedMs = Math.max(elapsedMs, next.dueMs);
        next.task();
        await settle();
      }
      elapsedMs = Math.max(elapsedMs, untilMs);
    },
    settle,
    stepWallClock(byMs) {
      wallMs += byMs;
    },
    get waiting() {
      return timers.length;
    },
  };
}

interface Timer {
  readonly dueMs: number;
  readonly task: () => void;
}

/** One turn of the event loop ends every chain of promises; the others are for chains that themselves yield a turn. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await setImmediate();
}

function firstAfter(timers: readonly Timer[], dueMs: number): number {
  let low = 0;
  let high = timers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((timers[middle]?.dueMs ?? Number.POSITIVE_INFINITY) <= dueMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
