import { asFailure, failure } from '../kernel/errors.ts';
import { freshId } from '../kernel/fresh-id.ts';
import type { RecordedEvent, StreamId } from '../kernel/message.ts';
import { createBreaker } from './breaker.ts';
import type { RuntimeContext } from './context.ts';
import { createCountBook } from './counts.ts';
import { createCursorBook } from './cursor-book.ts';
import type { SubscriptionDefinition } from './define.ts';
import { createEventHandler } from './event-handler.ts';
import { createMatcher } from './event-matcher.ts';
import { createGate } from './gate.ts';
import { readBatches } from './log-batches.ts';
import type { ReplayStatus } from './replay.ts';
import { createStreamDelivery } from './stream-delivery.ts';

/** One replay under way, or ended. */
export interface Replay {
  status(): ReplayStatus;
  /** Never rejects: a replay that failed says so in its status. */
  finished(onProgress?: (status: ReplayStatus) => void): Promise<ReplayStatus>;
}

/** Which part of the log: positions after `after` up to and including `until`, of one stream or of all. */
export interface ReplayRange {
  readonly after: number;
  readonly until: number;
  readonly stream?: StreamId;
}

/** What the cursors of a replay are named by. */
export const replayPrefix = 'replay:';

const batchSize = 500;
const maxInFlight = 64;

/**
 * Delivers recorded events once more, each stream in order, by cursors named `replay:<id>` that go when it ends. An event
 * that fails for good stops its stream in this replay, and makes the replay `failed`; the live cursors never move.
 */
export function startReplay(
  context: RuntimeContext,
  definition: SubscriptionDefinition,
  range: ReplayRange,
  signal: AbortSignal,
): Replay {
  const { clock, logger, store } = context;
  const id = freshId();
  const name = `${replayPrefix}${id}`;
  const listeners = new Set<(status: ReplayStatus) => void>();
  let status: ReplayStatus = {
    id,
    subscription: definition.name,
    state: 'running',
    handled: 0,
    position: range.after,
    until: range.until,
  };

  const breaker = createBreaker({ name: `subscription.${name}`, clock });
  const handle = createEventHandler(context, {
    definition,
    name,
    breaker,
    // A replay's deliveries are not the subscription's.
    counts: createCountBook(),
    replaying: true,
    signal,
    ready: async () => {},
    advanced: () => {},
  });
  const failures: string[] = [];
  const matches = createMatcher(definition.on);
  const delivery = createStreamDelivery(context, {
    book: createCursorBook(context, name, signal),
    matches,
    async handle(event) {
      const handling = await handle(event);
      if (handling.kind === 'handled') status = { ...status, handled: status.handled + 1 };
      return handling;
    },
    failed: (event, { code, cause }) => failures.push(`${event.type} at position ${event.position}: ${code}: ${cause}`),
    fromFirstSeen: true,
  });

  function advance(change: Partial<ReplayStatus>): void {
    status = { ...status, ...change };
    for (const listener of listeners) listener(status);
  }

  async function deliverAll(): Promise<void> {
    const gate = createGate(maxInFlight);
    const batches = readBatches(store.events, { after: range.after, to: range.until, size: batchSize, signal });
    for await (const batch of batches) {
      await Promise.all(batch.filter(isAsked).map((event) => gate.run(() => delivery.deliver(event))));
      advance({ position: batch.at(-1)?.position ?? status.position });
    }
    if (signal.aborted) throw failure('DRAINING', { found: 'a replay under way' });
    if (failures.length > 0) {
      throw failure('HANDLER_FAILED', { expected: 'every event handled', found: `${failures.length}: ${failures[0]}` });
    }
  }

  const isAsked = (event: RecordedEvent) =>
    matches(event) &&
    (range.stream === undefined || (event.stream.type === range.stream.type && event.stream.id === range.stream.id));

  async function runAll(): Promise<void> {
    try {
      await deliverAll();
      advance({ state: 'done' });
    } catch (error) {
      logger.error({ replay: id, subscription: definition.name, error }, 'A replay failed.');
      advance({ state: 'failed', error: asFailure(error, 'INTERNAL').message });
    }
    breaker.stop();
    await store.cursors.deleteAll(name).catch((error: unknown) => {
      logger.warn({ replay: id, error }, 'The cursors of a replay could not be deleted.');
    });
  }

  const running = runAll();
  return {
    status: () => status,
    async finished(onProgress) {
      if (onProgress !== undefined) listeners.add(onProgress);
      await running;
      if (onProgress !== undefined) listeners.delete(onProgress);
      return status;
    },
  };
}
