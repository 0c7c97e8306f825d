import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../kernel/clock.ts';
import { asFailure, isFailure, type StatewrightError } from '../kernel/errors.ts';
import { type AppendEntry, type AppendOutcome, type EventStore, maxEntries } from '../ports/event-store.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import type { Breaker } from './breaker.ts';
import { isPassing } from './passing.ts';
import { retrying } from './retry.ts';

/** Told once how the store judged the entry, or why nothing of it was stored. */
export type Settle = (outcome: Outcome) => void;

/**
 * Group commit: joins the entries of many actors into one append. One append is under way at a time, so entries reach
 * the store in the order in which they were submitted.
 *
 * A store elsewhere works while this process could: so half of what is to do goes there, and what it answers is passed on
 * only when the other half is on its way. The two halves take turns, and neither side waits for the other.
 *
 * When the store does not answer, the outcome is unknown: the identical entries are sent again until it is definite.
 * If the process dies, what was stored and not answered, of either half, is met by the caller's retry as its command id.
 */
export interface Committer {
  submit(entry: AppendEntry, settle: Settle): void;
  /** Resolves when everything submitted is settled. */
  flushed(): Promise<void>;
}

/** Fewer entries are not worth dividing: an append has a cost of its own. */
const minHalf = 64;

export function createCommitter(options: {
  readonly events: Pick<EventStore, 'append'>;
  /** The store works in this process: nothing can be done meanwhile. */
  readonly embedded: boolean;
  readonly breaker: Breaker;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly retryDelayMs: number;
}): Committer {
  const { events, embedded, breaker, clock, telemetry, retryDelayMs } = options;
  let waiting: Submitted[] = [];
  let busy = false;
  let idle: (() => void)[] = [];

  async function work(): Promise<void> {
    let unsettled: Settled | undefined;
    // All commands that the current turn of the event loop brings share one append.
    for (await nextTurn(); waiting.length > 0; ) {
      const batch = take(unsettled?.batch.length ?? 0);
      const appended = append(batch.map(({ entry }) => entry));
      if (unsettled !== undefined) {
        // Drivers write at the end of a turn.
        await nextTurn();
        settleAll(unsettled);
      }
      unsettled = { batch, outcomes: await appended };
      if (!embedded && waiting.length > 0) continue;
      settleAll(unsettled);
      unsettled = undefined;
      await nextTurn();
    }
    busy = false;
    const resolvers = idle;
    idle = [];
    for (const resolve of resolvers) resolve();
  }

  /** @param returned how many came back and are not settled: they may soon be as many new ones. */
  function take(returned: number): readonly Submitted[] {
    const half = Math.max(minHalf, Math.ceil((waiting.length + returned) / 2));
    const batch = waiting.slice(0, embedded ? maxEntries : Math.min(half, maxEntries));
    waiting = waiting.slice(batch.length);
    return batch;
  }

  function settleAll({ batch, outcomes }: Settled): void {
    batch.forEach(({ settle }, index) => {
      settle(outcomes[index] as Outcome);
    });
  }

  async function append(entries: readonly AppendEntry[]): Promise<readonly Outcome[]> {
    const startedMs = clock.monotonicMs();
    try {
      return await retrying(() => breaker.run(() => events.append(entries)), {
        clock,
        delayMs: retryDelayMs,
        isRetryable: isUnknown,
        onRetry: () => telemetry.count('append_retries_total'),
      });
    } catch (error) {
      return nothingStored(entries, asFailure(error, 'INTERNAL'));
    } finally {
      telemetry.observeMs('append_duration_ms', clock.monotonicMs() - startedMs);
      telemetry.count('append_entries_total', undefined, entries.length);
    }
  }

  /** An entry that the store can never take must not fail its neighbours: each is tried alone. */
  async function nothingStored(entries: readonly AppendEntry[], error: StatewrightError): Promise<readonly Outcome[]> {
    if (entries.length === 1 || !isFailure(error, 'EVENT_TOO_LARGE', 'INVALID_ID')) return entries.map(() => error);
    const outcomes: Outcome[] = [];
    for (const entry of entries) outcomes.push(...(await append([entry])));
    return outcomes;
  }

  return {
    submit(entry, settle) {
      waiting.push({ entry, settle });
      if (busy) return;
      busy = true;
      work();
    },
    flushed: () => (busy ? new Promise((resolve) => idle.push(resolve)) : Promise.resolve()),
  };
}

type Outcome = AppendOutcome | StatewrightError;

interface Settled {
  readonly batch: readonly Submitted[];
  readonly outcomes: readonly Outcome[];
}

interface Submitted {
  readonly entry: AppendEntry;
  readonly settle: Settle;
}

/** Full and read-only are passing for the caller, but definite: nothing was stored, so nothing need be sent again. */
export function isUnknown(error: unknown): boolean {
  return isPassing(error) && !isFailure(error, 'STORE_FULL', 'STORE_READ_ONLY');
}
