import { sleep } from '../kernel/clock.ts';
import { isFailure } from '../kernel/errors.ts';
import type { Fence, LeaseRecord } from '../ports/coordination.ts';
import type { RuntimeContext } from './context.ts';

/** A worker's bid for one lease. */
export interface LeaseKeeper {
  /** What it holds now; undefined while another does, or nobody. */
  fence(): Fence | undefined;
  /** Ends the work, then gives the lease up, so that another takes it at once. Twice is fine. */
  stop(): Promise<void>;
}

/**
 * Runs `work` on one worker at a time. A holder bumps the beat every third of the time-to-live; a contender takes over
 * only after the beat stood still for all of it on the contender's own monotonic clock, so clocks that step or differ do
 * no harm. A paused process may run on for a moment after its lease was taken: what it writes is refused by the fence.
 *
 * @param work starts at each takeover and ends soon after `signal` aborts. When it ends or throws by itself, the lease is
 * given up and bid for again.
 */
export function holdLease(
  context: Pick<RuntimeContext, 'clock' | 'logger' | 'settings' | 'store' | 'workerId'>,
  name: string,
  work: (fence: Fence, signal: AbortSignal) => Promise<void>,
): LeaseKeeper {
  const { clock, logger, settings, store, workerId } = context;
  const beatMs = settings.leaseMs / 3;
  const stopping = new AbortController();
  let held: Fence | undefined;

  async function contend(): Promise<void> {
    let seen: LeaseRecord | undefined;
    let since = 0;
    while (!stopping.signal.aborted) {
      try {
        const record = await store.leases.read(name);
        const still = seen !== undefined && record.token === seen.token && record.beat === seen.beat;
        if (!still) since = clock.monotonicMs();
        seen = record;
        if (!stopping.signal.aborted && isFree(record, clock.monotonicMs() - since)) {
          const { taken, record: now } = await store.leases.take(name, workerId, record);
          if (taken) {
            await hold({ lease: name, token: now.token });
            seen = undefined;
            continue;
          }
        }
      } catch (error) {
        logger.warn({ lease: name, error }, 'A lease could not be bid for; trying again.');
      }
      await sleep(clock, beatMs, stopping.signal);
    }
  }

  // Only this run of this process can have written its own worker id: what it left is no contender's.
  const isFree = ({ holder }: LeaseRecord, stoodMs: number) =>
    holder === undefined || holder === workerId || stoodMs >= settings.leaseMs;

  async function hold(fence: Fence): Promise<void> {
    const lost = new AbortController();
    const ending = AbortSignal.any([lost.signal, stopping.signal]);
    held = fence;
    const beating = beat(fence, lost, ending);
    try {
      await work(fence, ending);
    } catch (error) {
      if (isFailure(error, 'FENCED')) logger.warn({ lease: name }, 'A lease was taken over by another worker.');
      else if (!ending.aborted)
        logger.error({ lease: name, error }, 'The work under a lease failed; starting it again.');
    }
    held = undefined;
    const early = !ending.aborted;
    lost.abort();
    await beating;
    await store.leases.release(fence).catch((error: unknown) => {
      logger.warn({ lease: name, error }, 'A lease could not be given up; it runs out by itself.');
    });
    // Work that failed at once must not turn the lease in a busy loop.
    if (early) await sleep(clock, beatMs, stopping.signal);
  }

  async function beat(fence: Fence, lost: AbortController, ending: AbortSignal): Promise<void> {
    let beatenMs = clock.monotonicMs();
    for (;;) {
      await sleep(clock, beatMs, ending);
      if (ending.aborted) return;
      const startedMs = clock.monotonicMs();
      // A process that was paused, or a store that was away, this long: somebody else may hold it by now.
      const late = startedMs - beatenMs >= settings.leaseMs;
      const kept = await store.leases.beat(fence).catch((error: unknown) => {
        logger.warn({ lease: name, error }, 'A lease could not be renewed.');
        return undefined;
      });
      if (kept) beatenMs = startedMs;
      if (kept === false || (kept === undefined && late)) {
        logger.warn({ lease: name }, 'A lease was lost.');
        held = undefined;
        return lost.abort();
      }
    }
  }

  const contending = contend();
  return {
    fence: () => held,
    async stop() {
      stopping.abort();
      await contending;
    },
  };
}
