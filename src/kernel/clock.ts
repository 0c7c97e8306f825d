/** Where time comes from; tests put a simulated one in its place. */
export interface Clock {
  /** Wall-clock time in milliseconds since the epoch. It may step; use it for what people read. */
  now(): number;
  /** Milliseconds that never step back; use it to measure a duration. */
  monotonicMs(): number;
  /** Calls `task` once after `delayMs`. The timer does not keep the process alive. */
  setTimeout(task: () => void, delayMs: number): TimerHandle;
  clearTimeout(timer: TimerHandle): void;
}

/** What `setTimeout` returned: opaque. */
export type TimerHandle = { readonly timer: unknown };

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimeout(task, delayMs) {
    // Node takes longer ones for 1 ms.
    const timer = setTimeout(task, Math.min(delayMs, 2 ** 31 - 1));
    timer.unref();
    return { timer };
  },
  clearTimeout: ({ timer }) => clearTimeout(timer as NodeJS.Timeout),
};

/** Resolves after `delayMs` on this clock, or at once when `signal` aborts; never rejects. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const wake = () => {
      clock.clearTimeout(timer);
      signal?.removeEventListener('abort', wake);
      resolve();
    };
    const timer = clock.setTimeout(wake, delayMs);
    signal?.addEventListener('abort', wake, { once: true });
  });
}

/** ISO 8601 in UTC with milliseconds, such as `2026-11-24T04:05:38.120Z`. */
export function isoTime(clock: Clock): string {
  const nowMs = clock.now();
  // Many commands share a millisecond; writing it out costs as much as a step of a machine.
  if (nowMs !== lastMs) {
    lastText = new Date(nowMs).toISOString();
    lastMs = nowMs;
  }
  return lastText;
}

let lastMs = Number.NaN;
let lastText = '';
