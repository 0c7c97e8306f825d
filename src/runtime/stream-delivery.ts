import { isoTime } from '../kernel/clock.ts';
import type { RecordedEvent, StreamId } from '../kernel/message.ts';
import type { Cursor, CursorState } from '../ports/coordination.ts';
import type { RuntimeContext } from './context.ts';
import type { CursorBook } from './cursor-book.ts';
import { derivedId } from './derived-id.ts';
import type { Handling, LastingFailure } from './event-handler.ts';
import { createKeyedQueue, streamKey } from './keyed-queue.ts';
import { createRecent } from './recent.ts';

/** Brings streams forward, each in order, whoever asks: the bus, the sweep or a redrive. */
export interface StreamDelivery {
  /** What the bus brought. Resolves when the event is handled, is known to be, or waits in the log behind a parked one. */
  deliver(event: RecordedEvent): Promise<void>;
  /** Handles what the log holds of the stream up to this version. */
  catchUp(stream: StreamId, version: number): Promise<void>;
  /** Reads a redriving stream to its end, then lets it live. */
  redrive(stream: StreamId): Promise<void>;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

export interface StreamDeliveryOptions {
  readonly book: CursorBook;
  matches(event: RecordedEvent): boolean;
  handle(event: RecordedEvent): Promise<Handling>;
  /** Told when a stream was parked, or an event stepped over because there are no dead letters. */
  failed(event: RecordedEvent, failure: LastingFailure): void;
  /** A stream without a cursor begins with the first event that comes, not with its first event: in a replay. */
  readonly fromFirstSeen?: boolean;
}

/** What this process knows of a stream: never ahead of the truth, perhaps behind. */
interface Known {
  /** Every matching event up to this version is handled. */
  readonly seen: number;
  /** The live cursor, as it last was. Another worker may have moved it since: the compare-and-set tells. */
  readonly cursor?: Cursor;
}

const rememberedStreams = 50_000;
/** Read from a stream at once. */
const sliceSize = 100;

/** Why no event is lost, whoever dies after whichever line: docs/decisions/0004-grouped-subscriptions.md. */
export function createStreamDelivery(context: RuntimeContext, options: StreamDeliveryOptions): StreamDelivery {
  const { clock, settings, store } = context;
  const { book, matches, handle, failed, fromFirstSeen = false } = options;
  const queue = createKeyedQueue();
  const recent = createRecent<Known>(rememberedStreams);

  async function deliver(event: RecordedEvent): Promise<void> {
    const key = streamKey(event.stream);
    const known = recent.get(key);
    if (known !== undefined && event.version <= known.seen) return;
    const isNext = event.version === (known?.seen ?? 0) + 1;
    if (!matches(event)) {
      if (isNext) recent.set(key, { ...known, seen: event.version });
      return;
    }
    if (known?.cursor !== undefined && isNext && (await handleAll(known.cursor, [event])) !== 'stale') return;
    await bring(event.stream, event.version, event);
  }

  /** @param event the one at `version`, when it is at hand. */
  async function bring(stream: StreamId, version: number, event?: RecordedEvent): Promise<void> {
    const key = streamKey(stream);
    for (;;) {
      const cursor = await book.load(stream);
      if (cursor.state.kind !== 'live') return recent.delete(key);
      const atFirst = fromFirstSeen && cursor.revision === 0 ? version - 1 : 0;
      const seen = Math.max(cursor.version, recent.get(key)?.seen ?? atFirst);
      if (seen >= version) return recent.set(key, { seen, cursor });
      const outcome =
        event !== undefined && seen + 1 === version
          ? await handleAll(cursor, [event])
          : await handleLog(cursor, seen + 1, version);
      if (outcome !== 'stale') return;
    }
  }

  async function redrive(stream: StreamId): Promise<void> {
    const key = streamKey(stream);
    for (;;) {
      const cursor = await book.load(stream);
      if (cursor.state.kind !== 'redriving') return;
      const outcome = await handleLog(cursor, cursor.version + 1, Number.MAX_SAFE_INTEGER);
      if (outcome === 'parked') return;
      if (outcome === 'stale') continue;
      const { moved, cursor: now } = await book.advance({ from: outcome, version: outcome.version, state: live });
      if (!moved && now.state.kind !== 'live') continue;
      // What came while it was redriving was turned away, and perhaps committed after the end was read.
      recent.set(key, { seen: now.version, cursor: now });
      const { version } = await store.events.streamHead(stream);
      if (version > now.version) await bring(stream, version);
      return;
    }
  }

  /** The matching events of these versions, from the log; both inclusive. */
  async function handleLog(cursor: Cursor, from: number, to: number): Promise<Advance> {
    let now = cursor;
    for (let next = from; next <= to; ) {
      const slice: RecordedEvent[] = [];
      for await (const event of store.events.readStream(cursor.stream, { from: next, to, limit: sliceSize })) {
        slice.push(event);
      }
      const last = slice.at(-1);
      if (last === undefined) return now;
      const outcome = await handleAll(now, slice.filter(matches));
      if (typeof outcome === 'string') return outcome;
      now = outcome;
      next = last.version + 1;
      if (now.state.kind === 'live') recent.set(streamKey(now.stream), { seen: last.version, cursor: now });
    }
    return now;
  }

  /**
   * Handles the events in order, moving the cursor behind each.
   * @returns the cursor behind the last; `parked` when one failed for good; `stale` when another worker moved the cursor.
   */
  async function handleAll(cursor: Cursor, events: readonly RecordedEvent[]): Promise<Advance> {
    const key = streamKey(cursor.stream);
    let now = cursor;
    for (const event of events) {
      const handling = await handle(event);
      const parks = handling.kind === 'failed' && settings.deadLetters;
      const version = parks ? event.version - 1 : event.version;
      const state = parks ? parked(now, event, handling) : now.state;
      const { moved, cursor: became } = await book.advance({ from: now, version, state });
      if (!moved && (became.version !== version || became.state.kind !== state.kind)) {
        recent.delete(key);
        return 'stale';
      }
      if (handling.kind === 'failed') failed(event, handling);
      if (parks) {
        recent.delete(key);
        return 'parked';
      }
      now = became;
      if (now.state.kind === 'live') recent.set(key, { seen: version, cursor: now });
    }
    return now;
  }

  function parked({ subscription }: Cursor, event: RecordedEvent, failure: LastingFailure): CursorState {
    return {
      kind: 'parked',
      id: derivedId('dead-letter', subscription, event.id),
      eventId: event.id,
      eventType: event.type,
      position: event.position,
      code: failure.code,
      cause: failure.cause,
      attempts: failure.attempts,
      parkedAt: isoTime(clock),
    };
  }

  return {
    deliver: (event) => queue.run(streamKey(event.stream), () => deliver(event)),
    catchUp: (stream, version) => queue.run(streamKey(stream), () => bring(stream, version)),
    redrive: (stream) => queue.run(streamKey(stream), () => redrive(stream)),
    idle: queue.idle,
  };
}

type Advance = Cursor | 'parked' | 'stale';

const live: CursorState = { kind: 'live' };
