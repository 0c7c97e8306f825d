import assert from 'node:assert/strict';
import type { RecordedEvent, StreamId } from '../../kernel/message.ts';
import type { Store } from '../../ports/store.ts';
import type { HandlerTools, SubscriptionDefinition } from '../../runtime/define.ts';
import { logOf } from './world.ts';

/** A subscription that remembers what it handled. */
export interface Recorder {
  readonly definition: SubscriptionDefinition;
  /** What was handled, in the order in which the handlers ended. */
  readonly handled: readonly RecordedEvent[];
  /** How often a handler began. */
  readonly begun: () => number;
  /** The versions of one stream, in that order. */
  versions(stream: StreamId): readonly number[];
  /** How many different events were handled. */
  count(): number;
}

/**
 * @param handle runs before the event counts as handled; what it throws fails the handler.
 * @param handled where to write it down: recorders of several workers may share one list.
 */
export function recorder(
  name: string,
  handle: (event: RecordedEvent, tools: HandlerTools) => Promise<void> | void = () => {},
  handled: RecordedEvent[] = [],
): Recorder {
  let begun = 0;
  return {
    definition: {
      name,
      on: ['*.Happened'],
      async handle(event, tools) {
        begun += 1;
        await handle(event, tools);
        handled.push(event);
      },
    },
    handled,
    begun: () => begun,
    versions: ({ type, id }) =>
      handled.filter(({ stream }) => stream.type === type && stream.id === id).map(({ version }) => version),
    count: () => new Set(handled.map(({ id }) => id)).size,
  };
}

/** Fails unless each stream's events of the log were handled at least once, none before the one before it. */
export async function assertInOrder(store: Store, handled: readonly RecordedEvent[], type = 'Happened'): Promise<void> {
  const log = (await logOf(store)).filter((event) => event.type === type);
  const streams = Map.groupBy(log, ({ stream }) => JSON.stringify(stream));
  const firsts = Map.groupBy(new Map(handled.map((event) => [event.id, event])).values(), ({ stream }) =>
    JSON.stringify(stream),
  );
  for (const [stream, events] of streams) {
    assert.deepEqual(
      (firsts.get(stream) ?? []).map(({ version }) => version),
      events.map(({ version }) => version),
      `the first handling of each event of ${stream}`,
    );
  }
}
