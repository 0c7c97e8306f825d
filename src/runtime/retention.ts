import { setImmediate as nextTurn } from 'node:timers/promises';
import { sleep, type TimerHandle } from '../kernel/clock.ts';
import { isFailure } from '../kernel/errors.ts';
import type { RecordedEvent, StreamId } from '../kernel/message.ts';
import type { Checkpoint, Fence } from '../ports/coordination.ts';
import type { RuntimeContext } from './context.ts';
import { hydrate } from './hydrate.ts';
import { streamKey } from './keyed-queue.ts';
import { holdLease, type LeaseKeeper } from './lease.ts';
import { readAt, readBatch } from './log-batches.ts';
import { relayCheckpoint } from './relay.ts';
import { lowWaterOf } from './sweep.ts';

/** Archives what ended long ago: on one worker, once an hour. */
export interface Retention {
  /** The first round is an hour away. Does nothing after `stop`: a drain may overtake the start. */
  start(): void;
  /** Ends the round under way, gives the lease up. Twice is fine. */
  stop(): Promise<void>;
}

/** Who must have passed an event before its stream is archived. */
export interface Followers {
  /** The names of the read models. */
  projections(): readonly string[];
  /** The names of the grouped subscriptions. */
  subscriptions(): readonly string[];
}

/** The name of its checkpoint, and of the lease over it. */
export const retentionCheckpoint = 'retention';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const batchSize = 500;
/** Between batches: at most 5,000 events a second are looked at. */
const pauseMs = 100;
/** Streams that may wait for a dead letter before the walk itself waits. */
const maxWaiting = 10_000;

/** The last event of a stream that ended, but may not be archived yet. */
interface Waiting {
  readonly event: Pick<RecordedEvent, 'id' | 'stream' | 'version'>;
  /** The place before it: where the checkpoint may stand. */
  readonly before: Checkpoint;
}

/**
 * Walks the log, ever forwards, up to what is `retentionDays` old and every follower has passed. `recordedAt` never
 * decreases with position, so each stream's last event is passed once; where the machine is in a final state by then, the
 * stream is archived. Who waits for a dead letter is asked again each round, and the checkpoint stays before it.
 */
export function createRetention(context: RuntimeContext, followers: Followers): Retention {
  const { aggregates, clock, logger, settings, store, telemetry } = context;
  let timer: TimerHandle | undefined;
  let keeper: LeaseKeeper | undefined;
  let stopped = false;

  async function rounds(fence: Fence, signal: AbortSignal): Promise<void> {
    const walk = await createWalk(fence, signal);
    while (!signal.aborted) {
      await walk().catch((error: unknown) => {
        if (signal.aborted || isFailure(error, 'FENCED')) throw error;
        logger.warn({ err: error }, 'Old streams could not be archived; the next round tries again.');
      });
      await sleep(clock, hourMs, signal);
    }
  }

  async function createWalk(fence: Fence, signal: AbortSignal): Promise<() => Promise<void>> {
    let saved = await loadMark();
    let front = saved;
    /** By position, ascending. */
    const waiting = new Map<number, Waiting>();

    async function lookAt(events: readonly RecordedEvent[]): Promise<number> {
      const last = new Map(events.map((event) => [streamKey(event.stream), event]));
      let archived = 0;
      for (const event of events) {
        if (signal.aborted) return archived;
        if (last.get(streamKey(event.stream)) === event) {
          const verdict = await judge(event);
          if (verdict === 'archived') archived += 1;
          if (verdict === 'waits') waiting.set(event.position, { event, before: front });
        }
        front = { position: event.position, eventId: event.id };
      }
      return archived;
    }

    async function askAgain(): Promise<number> {
      let archived = 0;
      for (const [position, { event }] of waiting) {
        if (signal.aborted) break;
        const verdict = await judge(event);
        if (verdict === 'archived') archived += 1;
        if (verdict !== 'waits') waiting.delete(position);
      }
      return archived;
    }

    async function save(): Promise<void> {
      const [first] = waiting.values();
      const mark = first?.before ?? front;
      if (mark.position === saved.position) return;
      await store.checkpoints.save(retentionCheckpoint, mark, fence);
      saved = mark;
    }

    return async () => {
      const before = new Date(clock.now() - settings.retentionDays * dayMs).toISOString();
      const to = await passedByAll();
      let archived = await askAgain();
      for (let old = true; old && waiting.size < maxWaiting && !signal.aborted; ) {
        const batch = await readBatch(store.events, { after: front.position, to, limit: batchSize });
        const passed = batch.filter(({ recordedAt }) => recordedAt < before);
        archived += await lookAt(passed);
        await save();
        old = passed.length === batchSize;
        if (old) await sleep(clock, pauseMs, signal);
        // A store in memory answers without ever letting go of the event loop.
        await nextTurn();
      }
      if (waiting.size >= maxWaiting) {
        logger.warn(
          { waiting: waiting.size },
          'Too many streams that ended have dead letters: archiving waits for them.',
        );
      }
      if (archived > 0) logger.info({ archived, before, position: front.position }, 'Old streams were archived.');
    };
  }

  /** Where to go on; the beginning when the log is not the one that the checkpoint was saved in. */
  async function loadMark(): Promise<Checkpoint> {
    const mark = await store.checkpoints.load(retentionCheckpoint);
    if (mark === undefined || mark.position === 0) return { position: 0 };
    const isThere = (await readAt(store.events, mark.position))?.id === mark.eventId;
    return isThere ? mark : { position: 0 };
  }

  /** The last position that relay, subscriptions and read models have all passed. */
  async function passedByAll(): Promise<number> {
    const names = [relayCheckpoint, ...followers.subscriptions().map(lowWaterOf)];
    const marks = await Promise.all(names.map((name) => store.checkpoints.load(name)));
    const statuses = await Promise.all(followers.projections().map((name) => store.readModels.status(name)));
    const built = statuses.flatMap((status) => [status?.live, status?.building ?? status?.live]);
    const positions = [...marks, ...built.map((generation) => generation?.checkpoint)].map(
      (mark) => mark?.position ?? 0,
    );
    return Math.min(...positions);
  }

  async function judge({ id, stream, version }: Waiting['event']): Promise<'archived' | 'stays' | 'waits'> {
    const aggregate = aggregates.get(stream.type);
    if (aggregate === undefined) return 'stays';
    const head = await store.events.streamHead(stream);
    if (head.eventId !== id) return 'stays';
    try {
      const history = { events: store.events, snapshots: store.snapshots, snapshotEvery: settings.snapshotEvery };
      const { state } = await hydrate(aggregate, stream, history);
      if (aggregate.describe(state).status !== 'done') return 'stays';
    } catch (error) {
      // Other code may fold it.
      if (isFailure(error, 'NEWER_EVENT', 'EVENT_NOT_FOLDABLE')) return 'waits';
      throw error;
    }
    if (await hasDeadLetter(stream)) return 'waits';
    if (!(await store.events.archive(stream, { version, eventId: id }))) return 'stays';
    telemetry.count('streams_archived_total', { aggregate: stream.type });
    return 'archived';
  }

  /** Also of subscriptions that this worker doesn't know. */
  async function hasDeadLetter(stream: StreamId): Promise<boolean> {
    const names = new Set([...followers.subscriptions(), ...(await store.cursors.countParked()).keys()]);
    const cursors = await Promise.all([...names].map((name) => store.cursors.load(name, [stream])));
    return cursors.flat().some(({ state }) => state.kind !== 'live');
  }

  return {
    start() {
      if (stopped) return;
      timer ??= clock.setTimeout(() => {
        keeper = holdLease(context, retentionCheckpoint, rounds);
      }, hourMs);
    },
    async stop() {
      stopped = true;
      if (timer !== undefined) clock.clearTimeout(timer);
      await keeper?.stop();
    },
  };
}
