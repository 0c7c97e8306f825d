import { type Clock, sleep } from '../../kernel/clock.ts';

/** Waits until the work is settled, whichever way, or `limitMs` have passed. @returns whether it was settled. */
export async function settledWithin(clock: Clock, limitMs: number, work: Promise<unknown>): Promise<boolean> {
  const settled = new AbortController();
  work.then(
    () => settled.abort(),
    () => settled.abort(),
  );
  await sleep(clock, limitMs, settled.signal);
  return settled.signal.aborted;
}
