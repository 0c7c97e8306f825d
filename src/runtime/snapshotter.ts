import type { Clock, TimerHandle } from '../kernel/clock.ts';
import type { Aggregate } from '../kernel/decider.ts';
import type { StreamId } from '../kernel/message.ts';
import type { Snapshot, SnapshotStore } from '../ports/event-store.ts';
import type { Logger, Telemetry } from '../ports/telemetry.ts';
import type { Hydrated } from './hydrate.ts';

/**
 * Saves snapshots off the command's path, many in one commit. A snapshot that cannot be saved is dropped: the next one
 * comes, and the log has everything.
 */
export interface Snapshotter {
  /** Saves the state if the version passed a multiple of N on its way from `since`. */
  passed(aggregate: Aggregate, stream: StreamId, since: number, reached: Hydrated): void;
  /** Resolves when everything asked for is saved or dropped. */
  flush(): Promise<void>;
}

export function createSnapshotter(options: {
  readonly snapshots: SnapshotStore;
  readonly every: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
}): Snapshotter {
  const { snapshots, every, clock, logger, telemetry } = options;
  /** By aggregate and id: a newer state of the same aggregate takes the place of the one still waiting. */
  let waiting = new Map<Aggregate, Map<string, Waiting>>();
  let timer: TimerHandle | undefined;
  let saving = Promise.resolve();

  async function saveWaiting(): Promise<void> {
    const batch = [...waiting.values()].flatMap((byId) => [...byId.values()]);
    waiting = new Map();
    for (let at = 0; at < batch.length; at += groupSize) await save(batch.slice(at, at + groupSize).map(toSnapshot));
  }

  async function save(group: readonly Snapshot[]): Promise<void> {
    try {
      await snapshots.save(group);
      telemetry.count('snapshots_saved_total', undefined, group.length);
    } catch (error) {
      telemetry.count('snapshots_dropped_total', undefined, group.length);
      logger.warn({ err: error, count: group.length }, 'Snapshots could not be saved; the log has everything.');
    }
  }

  function saveNow(): void {
    if (timer === undefined) return;
    clock.clearTimeout(timer);
    timer = undefined;
    saving = saving.then(saveWaiting);
  }

  return {
    passed(aggregate, stream, since, reached) {
      if (Math.floor(since / every) === Math.floor(reached.version / every)) return;
      const byId = waiting.get(aggregate) ?? new Map<string, Waiting>();
      waiting.set(aggregate, byId);
      byId.set(stream.id, { aggregate, stream, reached });
      // A moment later, so that many share one commit.
      timer ??= clock.setTimeout(saveNow, gatherMs);
    },
    flush() {
      saveNow();
      return saving;
    },
  };
}

interface Waiting {
  readonly aggregate: Aggregate;
  readonly stream: StreamId;
  readonly reached: Hydrated;
}

function toSnapshot({ aggregate, stream, reached }: Waiting): Snapshot {
  const { version, eventId, state } = reached;
  if (eventId === undefined) throw new Error('A snapshot is of at least one event.');
  return { stream, machineHash: aggregate.hash, version, eventId, state: aggregate.persist(state) };
}

const groupSize = 500;
const gatherMs = 50;
