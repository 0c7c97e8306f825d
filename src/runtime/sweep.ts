import { setImmediate as nextTurn } from 'node:timers/promises';
import { sleep } from '../kernel/clock.ts';
import type { RecordedEvent, StreamId } from '../kernel/message.ts';
import type { Checkpoint, Cursor, Fence } from '../ports/coordination.ts';
import type { RuntimeContext } from './context.ts';
import type { CursorBook } from './cursor-book.ts';
import { streamKey } from './keyed-queue.ts';
import { holdLease } from './lease.ts';
import { readAt, readBatch } from './log-batches.ts';
import { createRecent } from './recent.ts';
import type { StreamDelivery } from './stream-delivery.ts';

/** Delivers from the log what a bus lost, and what was redriven: on one worker per subscription. */
export interface Sweep {
  /** Looks now rather than at the next round. */
  nudge(): void;
  /**
   * Gives the lease up; deliveries under way end by the subscription's own signal. The low-water mark stays where the last
   * round saved it: the next holder looks again at what was handled since.
   */
  stop(): Promise<void>;
}

export interface SweepOptions {
  readonly name: string;
  readonly book: CursorBook;
  readonly delivery: StreamDelivery;
  /** The bus has surely lost what was published up to here: it died with its process. Default 0. */
  readonly lost?: number;
  matches(event: RecordedEvent): boolean;
}

/** The name of a subscription's low-water mark, and of the lease over it. */
export const lowWaterOf = (subscription: string): string => `low-water:${subscription}`;

const roundMs = 1_000;
const batchSize = 500;
/** Unhandled events remembered at once; the sweep reads no further before there is room. */
const maxUnhandled = 10_000;
const maxDelivering = 64;

/** An event that its stream's cursor has not reached. */
interface Unhandled {
  readonly position: number;
  readonly stream: StreamId;
  readonly version: number;
  /** The place before it: where the low-water mark may stand. */
  readonly before: Checkpoint;
}

/**
 * The low-water mark stands before the first event that some unparked stream has not handled. An event behind it is
 * delivered from the log when the bus had its time and either passed it by or came to a stand, so that what merely waits
 * in a broker is left to the broker. Delivering twice does no harm: the cursor drops it.
 */
export function startSweep(context: RuntimeContext, options: SweepOptions): Sweep {
  const { name, book, delivery, matches, lost = 0 } = options;
  const { clock, logger, settings, store } = context;
  const lease = lowWaterOf(name);
  let nudged = () => {};

  const keeper = holdLease(context, lease, async (fence, signal) => {
    const round = await createRounds(fence, signal);
    while (!signal.aborted) {
      let busy = false;
      try {
        busy = await round();
      } catch (error) {
        if (signal.aborted) return;
        logger.warn({ subscription: name, error }, 'A sweep failed; the next one goes on.');
        await sleep(clock, settings.retryDelayMs, signal);
      }
      if (!busy) await pause(signal);
    }
  });

  async function pause(signal: AbortSignal): Promise<void> {
    const waking = new AbortController();
    nudged = () => waking.abort();
    await sleep(clock, roundMs, AbortSignal.any([signal, waking.signal]));
  }

  /** @returns one round; it tells whether the next should follow at once. */
  async function createRounds(fence: Fence, signal: AbortSignal): Promise<() => Promise<boolean>> {
    let saved = await loadMark();
    /** What was read so far. */
    let front = saved;
    /** By position, ascending. */
    const unhandled = new Map<number, Unhandled>();
    const delivering = new Map<string, Promise<void>>();
    /** Up to which version the sweep itself delivered a stream. */
    const swept = createRecent<number>(maxUnhandled);
    /** The furthest event that was handled without the sweep, and when that last changed. */
    let passed = 0;
    let passedAtMs = clock.monotonicMs();
    /** Where the log ended, and when: what is older than a lease's time had its chance. */
    const ends: { readonly atMs: number; readonly position: number }[] = [];
    let ripe = lost;

    async function recheck(): Promise<void> {
      const cursors = await cursorsOf([...unhandled.values()]);
      for (const event of unhandled.values()) judge(event, cursors);
    }

    /** Forgets the event if it is handled, or waits in the log behind a parked one. */
    function judge(event: Unhandled, cursors: ReadonlyMap<string, Cursor>): void {
      const key = streamKey(event.stream);
      const cursor = cursors.get(key);
      if (cursor === undefined) return;
      const handled = cursor.version >= event.version;
      if (handled && (swept.get(key) ?? 0) < event.version && event.position > passed) {
        passed = event.position;
        passedAtMs = clock.monotonicMs();
      }
      if (handled || cursor.state.kind === 'parked') unhandled.delete(event.position);
    }

    async function readOn(): Promise<void> {
      while (unhandled.size < maxUnhandled && !signal.aborted) {
        const batch = await readBatch(store.events, { after: front.position, limit: batchSize });
        if (batch.length === 0) break;
        const found: Unhandled[] = [];
        for (const event of batch) {
          const { position, stream, version } = event;
          if (matches(event)) found.push({ position, stream, version, before: front });
          front = { position, eventId: event.id };
        }
        const cursors = await cursorsOf(found);
        for (const event of found) {
          unhandled.set(event.position, event);
          judge(event, cursors);
        }
        // A store in memory answers without ever letting go of the event loop.
        await nextTurn();
      }
    }

    async function cursorsOf(events: readonly Unhandled[]): Promise<ReadonlyMap<string, Cursor>> {
      const streams = new Map(events.map(({ stream }) => [streamKey(stream), stream]));
      if (streams.size === 0) return new Map();
      const cursors = await book.loadAll([...streams.values()]);
      return new Map(cursors.map((cursor) => [streamKey(cursor.stream), cursor]));
    }

    function noteEnd(): void {
      const nowMs = clock.monotonicMs();
      ends.push({ atMs: nowMs, position: front.position });
      for (let first = ends[0]; first !== undefined && nowMs - first.atMs >= settings.leaseMs; first = ends[0]) {
        ripe = Math.max(ripe, first.position);
        ends.shift();
      }
    }

    /** Per stream, the last version that the bus should have brought. */
    function overdue(): ReadonlyMap<string, Unhandled> {
      const still = clock.monotonicMs() - passedAtMs >= settings.leaseMs;
      const latest = new Map<string, Unhandled>();
      for (const event of unhandled.values()) {
        if (event.position > ripe) break;
        if (event.position > lost && event.position > passed && !still) break;
        const key = streamKey(event.stream);
        if (!delivering.has(key)) latest.set(key, event);
      }
      return latest;
    }

    /** Starts what there is room for within a round's time. */
    async function start(key: string, task: () => Promise<void>, untilMs: number): Promise<boolean> {
      while (delivering.size >= maxDelivering) {
        const leftMs = untilMs - clock.monotonicMs();
        if (leftMs <= 0 || signal.aborted) return false;
        await Promise.race([...delivering.values(), sleep(clock, leftMs, signal)]);
      }
      if (signal.aborted || delivering.has(key)) return !signal.aborted;
      const running = task()
        .catch((error: unknown) => {
          if (!signal.aborted) logger.warn({ subscription: name, error }, 'A sweep could not deliver; it will again.');
        })
        .finally(() => delivering.delete(key));
      delivering.set(key, running);
      return true;
    }

    async function deliver(): Promise<number> {
      const untilMs = clock.monotonicMs() + roundMs;
      let started = 0;
      for (const { stream } of await store.cursors.redriving(name, maxDelivering)) {
        const key = streamKey(stream);
        if (delivering.has(key)) continue;
        if (!(await start(key, () => delivery.redrive(stream), untilMs))) return started;
        started += 1;
      }
      for (const [key, { stream, version }] of overdue()) {
        swept.set(key, version);
        if (!(await start(key, () => delivery.catchUp(stream, version), untilMs))) return started;
        started += 1;
      }
      return started;
    }

    async function save(): Promise<void> {
      const [first] = unhandled.values();
      const mark = first === undefined ? front : first.before;
      if (mark.position === saved.position) return;
      await store.checkpoints.save(lease, mark, fence);
      saved = mark;
    }

    return async () => {
      await recheck();
      await readOn();
      noteEnd();
      const started = await deliver();
      await save();
      return started > 0;
    };
  }

  async function loadMark(): Promise<Checkpoint> {
    const mark = await store.checkpoints.load(lease);
    if (mark === undefined || mark.position === 0) return { position: 0 };
    if ((await readAt(store.events, mark.position))?.id === mark.eventId) return mark;
    logger.error(
      { subscription: name, position: mark.position },
      'The log lost its tail: sweeping from its beginning.',
    );
    return { position: 0 };
  }

  return {
    nudge: () => nudged(),
    stop: keeper.stop,
  };
}
