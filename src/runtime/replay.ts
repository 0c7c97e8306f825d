import { failure } from '../kernel/errors.ts';
import type { StreamId } from '../kernel/message.ts';
import type { RuntimeContext } from './context.ts';
import { positionBefore } from './position-by-time.ts';
import { type Replay, startReplay } from './replay-run.ts';
import type { Subscriptions } from './subscriptions.ts';

/** Where a replay begins; inclusive. */
export type ReplayFrom =
  | { readonly position: number }
  /** ISO 8601, of `recordedAt`. */
  | { readonly time: string }
  | { readonly stream: StreamId; readonly version: number };

export interface ReplayStatus {
  readonly id: string;
  readonly subscription: string;
  readonly state: 'running' | 'done' | 'failed';
  readonly handled: number;
  /** The position reached and the one it ends at: the head when it began. */
  readonly position: number;
  readonly until: number;
  readonly error?: string;
}

/** Re-delivers recorded events into a grouped subscription, by a cursor of its own: the live one never moves. */
export interface Replays {
  /** @throws UNKNOWN_SUBSCRIPTION */
  start(request: { readonly subscription: string; readonly from: ReplayFrom }): Promise<ReplayStatus>;
  list(): readonly ReplayStatus[];
  /** Resolves when it has ended. @throws NOT_FOUND */
  finished(id: string, onProgress?: (status: ReplayStatus) => void): Promise<ReplayStatus>;
}

/** The replays with their life. */
export interface RunningReplays extends Replays {
  /** Ends those that run; they fail with DRAINING. Twice is fine. */
  stop(): Promise<void>;
}

/** @param subscriptions those of this worker: a replay runs here, beside the live consuming. */
export function createReplays(
  context: RuntimeContext,
  subscriptions: Pick<Subscriptions, 'find' | 'names'>,
): RunningReplays {
  const { store } = context;
  const replays = new Map<string, Replay>();
  const stopping = new AbortController();

  /** The position before the first that is delivered, and what of the log is. */
  async function placeOf(from: ReplayFrom): Promise<{ readonly after: number; readonly stream?: StreamId }> {
    if ('position' in from) return { after: from.position - 1 };
    if ('time' in from) return { after: await positionBefore(store.events, from.time) };
    for await (const event of store.events.readStream(from.stream, { from: from.version, limit: 1 })) {
      return { after: event.position - 1, stream: from.stream };
    }
    throw failure('NOT_FOUND', {
      expected: `version ${from.version} of ${from.stream.type} ${from.stream.id}`,
      found: 'a log without it',
    });
  }

  return {
    async start({ subscription, from }) {
      const definition = subscriptions.find(subscription);
      if (definition === undefined) {
        throw failure('UNKNOWN_SUBSCRIPTION', {
          expected: `one of ${subscriptions.names().join(', ')}`,
          found: subscription,
        });
      }
      if (stopping.signal.aborted) throw failure('DRAINING');
      const place = await placeOf(from);
      const replay = startReplay(context, definition, { ...place, until: await store.events.head() }, stopping.signal);
      replays.set(replay.status().id, replay);
      return replay.status();
    },
    list: () => [...replays.values()].map((replay) => replay.status()),
    finished(id, onProgress) {
      const replay = replays.get(id);
      if (replay === undefined) {
        return Promise.reject(failure('NOT_FOUND', { expected: 'the id of a replay of this process', found: id }));
      }
      return replay.finished(onProgress);
    },
    async stop() {
      stopping.abort();
      await Promise.all([...replays.values()].map((replay) => replay.finished()));
    },
  };
}
