import type { Aggregate } from '../kernel/decider.ts';
import type { StreamId } from '../kernel/message.ts';
import type { EventStore } from '../ports/event-store.ts';
import { absent, fold, type Hydrated, type HydrateOptions, hydrate } from './hydrate.ts';
import type { AggregateView } from './processor.ts';

/** The past to be read: a version, or a time of the store's clock (ISO 8601, inclusive). */
export type Moment = { readonly version: number } | { readonly time: string };

/**
 * An aggregate as the log has it, now or then; undefined when it had no events. It wakes no actor.
 * @throws EVENT_NOT_FOLDABLE, NEWER_EVENT, STORE_UNAVAILABLE
 */
export async function readAggregate(
  aggregate: Aggregate,
  stream: StreamId,
  history: HydrateOptions,
  at?: Moment,
): Promise<AggregateView | undefined> {
  const found = await reached(aggregate, stream, history, at);
  if (found.version === 0) return undefined;
  const commands = aggregate.legal(found.state, found.version);
  return { ...aggregate.describe(found.state), version: found.version, commands };
}

function reached(aggregate: Aggregate, stream: StreamId, history: HydrateOptions, at?: Moment): Promise<Hydrated> {
  if (at === undefined) return hydrate(aggregate, stream, history);
  if ('version' in at) return hydrate(aggregate, stream, history, at.version);
  return foldUntil(aggregate, stream, history.events, Date.parse(at.time));
}

async function foldUntil(
  aggregate: Aggregate,
  stream: StreamId,
  events: EventStore,
  untilMs: number,
): Promise<Hydrated> {
  let found = absent(aggregate);
  for await (const event of events.readStream(stream)) {
    if (Date.parse(event.recordedAt) > untilMs) break;
    found = fold(aggregate, found, event);
  }
  return found;
}
