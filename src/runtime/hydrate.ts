import type { Aggregate, AggregateState } from '../kernel/decider.ts';
import { isFailure } from '../kernel/errors.ts';
import type { EventId, RecordedEvent, StreamId } from '../kernel/message.ts';
import type { EventStore, SnapshotStore } from '../ports/event-store.ts';

/** An aggregate at a place in its history. */
export interface Hydrated {
  readonly state: AggregateState;
  readonly version: number;
  /** The event at `version`; none at version 0. */
  readonly eventId: EventId | undefined;
  /** The position of that event; 0 at version 0. */
  readonly position: number;
}

export interface HydrateOptions {
  readonly events: EventStore;
  readonly snapshots: SnapshotStore;
  /** Streams shorter than this have no snapshot worth asking for. */
  readonly snapshotEvery: number;
}

/** An aggregate without a history. */
export function absent(aggregate: Aggregate): Hydrated {
  return { state: aggregate.initial, version: 0, eventId: undefined, position: 0 };
}

/**
 * The aggregate as of the last event, or of `maxVersion`: the latest snapshot of this machine with the tail folded in.
 * A snapshot whose event the log does not hold (the log lost its tail) is not used.
 * @throws EVENT_NOT_FOLDABLE, NEWER_EVENT, STORE_UNAVAILABLE
 */
export async function hydrate(
  aggregate: Aggregate,
  stream: StreamId,
  { events, snapshots, snapshotEvery }: HydrateOptions,
  maxVersion = Number.MAX_SAFE_INTEGER,
): Promise<Hydrated> {
  const head = await events.streamHead(stream);
  if (head.version === 0) return absent(aggregate);
  if (Math.min(head.version, maxVersion) >= snapshotEvery) {
    const snapshot = await snapshots.load(stream, aggregate.hash, maxVersion);
    const base = snapshot && restored(aggregate, snapshot.state);
    if (snapshot !== undefined && base !== undefined) {
      const from = { state: base, version: snapshot.version, eventId: snapshot.eventId, position: 0 };
      const reached = await catchUp(aggregate, stream, from, events, maxVersion);
      if (reached !== undefined) return reached;
    }
  }
  let reached = absent(aggregate);
  for await (const event of events.readStream(stream, { to: maxVersion })) reached = fold(aggregate, reached, event);
  return reached;
}

/**
 * What `from` (of version 1 or more) becomes with the events after it folded in. Its own event is read again, first:
 * undefined when the log does not hold it.
 */
export async function catchUp(
  aggregate: Aggregate,
  stream: StreamId,
  from: Hydrated,
  events: EventStore,
  maxVersion = Number.MAX_SAFE_INTEGER,
): Promise<Hydrated | undefined> {
  let reached: Hydrated | undefined;
  for await (const event of events.readStream(stream, { from: from.version, to: maxVersion })) {
    if (reached !== undefined) reached = fold(aggregate, reached, event);
    else if (event.id === from.eventId) reached = { ...from, position: event.position };
    else return undefined;
  }
  return reached;
}

/** One event further. */
export function fold(aggregate: Aggregate, from: Hydrated, event: RecordedEvent): Hydrated {
  const state = aggregate.evolve(from.state, event);
  return { state, version: event.version, eventId: event.id, position: event.position };
}

/** A snapshot that the machine cannot take is only a lost cache. */
function restored(aggregate: Aggregate, persisted: Parameters<Aggregate['restore']>[0]): AggregateState | undefined {
  try {
    return aggregate.restore(persisted);
  } catch (error) {
    if (isFailure(error)) return undefined;
    throw error;
  }
}
