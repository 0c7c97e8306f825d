import type { Clock } from '../kernel/clock.ts';
import { asFailure, isFailure, type StatewrightError } from '../kernel/errors.ts';
import { type AppendEntry, type AppendOutcome, type EventStore, maxEntries } from '../ports/event-store.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import type { Breaker } from './breaker.ts';
import { isPassing } from './passing.ts';
import { retrying } from './retry.ts';

/** Told once how the store judged the entry, or why nothing of it was stored. */
export type Settle = (outcome: AppendOutcome | StatewrightError) => void;

/**
 * Group commit: joins the entries of many actors into one append. One append is under way at a time, so entries reach
 * the store in the order in which they were submitted.
 *
 * When the store does not answer, the outcome is unknown: the identical entries are sent again until it is definite.
 * If the process dies meanwhile, nothing was answered, and the caller's retry meets the command id.
 */
export interface Committer {
  submit(entry: AppendEntry, settle: Settle): void;
  /** Resolves when everything submitted is settled. */
  flushed(): Promise<void>;
}

export function createCommitter(options: {
  readonly events: Pick<EventStore, 'append'>;
  readonly breaker: Breaker;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly retryDelayMs: number;
}): Committer {
  const { events, breaker, clock, telemetry, retryDelayMs } = options;
  let waiting: Submitted[] = [];
  let busy = false;
  let idle: (() => void)[] = [];

  // After the current turn of the event loop, so that all commands that it brings share one append.
  const schedule = () => setImmediate(flush);

  async function flush(): Promise<void> {
    const batch = waiting.length > maxEntries ? waiting.splice(0, maxEntries) : waiting;
    if (batch === waiting) waiting = [];
    await commit(batch);
    if (waiting.length > 0) return void schedule();
    busy = false;
    const resolvers = idle;
    idle = [];
    for (const resolve of resolvers) resolve();
  }

  async function commit(batch: readonly Submitted[]): Promise<void> {
    const startedMs = clock.monotonicMs();
    try {
      const outcomes = await retrying(() => breaker.run(() => events.append(batch.map(({ entry }) => entry))), {
        clock,
        delayMs: retryDelayMs,
        isRetryable: isUnknown,
        onRetry: () => telemetry.count('append_retries_total'),
      });
      batch.forEach(({ settle }, index) => {
        settle(outcomes[index] as AppendOutcome);
      });
    } catch (error) {
      await nothingStored(batch, asFailure(error, 'INTERNAL'));
    }
    telemetry.observeMs('append_duration_ms', clock.monotonicMs() - startedMs);
    telemetry.count('append_entries_total', undefined, batch.length);
  }

  /** An entry that the store can never take must not fail its neighbours: each is tried alone. */
  async function nothingStored(batch: readonly Submitted[], error: StatewrightError): Promise<void> {
    if (batch.length > 1 && isFailure(error, 'EVENT_TOO_LARGE', 'INVALID_ID')) {
      for (const submitted of batch) await commit([submitted]);
    } else {
      for (const { settle } of batch) settle(error);
    }
  }

  return {
    submit(entry, settle) {
      waiting.push({ entry, settle });
      if (busy) return;
      busy = true;
      schedule();
    },
    flushed: () => (busy ? new Promise((resolve) => idle.push(resolve)) : Promise.resolve()),
  };
}

interface Submitted {
  readonly entry: AppendEntry;
  readonly settle: Settle;
}

/** Full and read-only are passing for the caller, but definite: nothing was stored, so nothing need be sent again. */
export function isUnknown(error: unknown): boolean {
  return isPassing(error) && !isFailure(error, 'STORE_FULL', 'STORE_READ_ONLY');
}
