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
 * Group commit: joins the entries of many actors into one append. Entries reach the store in the order in which they were
 * submitted, and are settled in it.
 *
 * A store elsewhere has two appends at a time, each of half of what is to do: while it works on one, the next is at its
 * door, and this process settles the one before and decides what comes after. Neither side waits for the other.
 *
 * When the store does not answer, the outcome is unknown: the identical entries are sent again until it is definite. The
 * append behind may then come first, as behind one that must be taken apart; the fences of its entries
 * (docs/decisions/0002) keep it from standing on what is not there.
 * If the process dies, what was stored and not answered, of either append, is met by the caller's retry as its command id.
 */
export interface Committer {
  submit(entry: AppendEntry, settle: Settle): void;
  /** Resolves when everything submitted is settled. */
  flushed(): Promise<void>;
}

/** A second append of fewer entries is not worth its cost. */
const minHalf = 64;
const maxRetryDelayMs = 1_000;

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
  const mostUnderWay = embedded ? 1 : 2;
  let waiting: Submitted[] = [];
  let appends = 0;
  /** Entries at the store or answered by it, but not settled. */
  let unsettled = 0;
  let scheduled = false;
  let settled = Promise.resolve();
  let idle: (() => void)[] = [];

  /** All commands that the current turn of the event loop brings share one append. */
  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      start();
    });
  }

  function start(): void {
    const half = Math.max(minHalf, Math.ceil((waiting.length + unsettled) / 2));
    if (waiting.length === 0 || appends === mostUnderWay || (appends > 0 && waiting.length < half)) return;
    const batch = waiting.slice(0, embedded ? maxEntries : Math.min(half, maxEntries));
    waiting = waiting.slice(batch.length);
    settled = settle(batch, settled);
    // On a store elsewhere, there may be another half.
    start();
  }

  /** @param before when all earlier entries are settled. */
  async function settle(batch: readonly Submitted[], before: Promise<void>): Promise<void> {
    appends += 1;
    unsettled += batch.length;
    const outcomes = await append(batch.map(({ entry }) => entry));
    appends -= 1;
    await before;
    batch.forEach(({ settle }, index) => {
      settle(outcomes[index] as Outcome);
    });
    unsettled -= batch.length;
    if (waiting.length > 0) return schedule();
    if (unsettled > 0) return;
    const resolvers = idle;
    idle = [];
    for (const resolve of resolvers) resolve();
  }

  async function append(entries: readonly AppendEntry[]): Promise<readonly Outcome[]> {
    const startedMs = clock.monotonicMs();
    try {
      return await retrying(() => breaker.run(() => events.append(entries)), {
        clock,
        delayMs: retryDelayMs,
        // The breaker spares the store; whoever waits longer than it is away holds up those behind.
        maxDelayMs: maxRetryDelayMs,
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
      schedule();
    },
    flushed: () => (waiting.length + unsettled > 0 ? new Promise((resolve) => idle.push(resolve)) : Promise.resolve()),
  };
}

type Outcome = AppendOutcome | StatewrightError;

interface Submitted {
  readonly entry: AppendEntry;
  readonly settle: Settle;
}

/** Full and read-only are passing for the caller, but definite: nothing was stored, so nothing need be sent again. */
export function isUnknown(error: unknown): boolean {
  return isPassing(error) && !isFailure(error, 'STORE_FULL', 'STORE_READ_ONLY');
}
