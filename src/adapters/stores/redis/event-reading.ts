import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RecordedEvent, StreamId } from '../../../kernel/message.ts';
import { matchesPattern } from '../../../ports/event-bus.ts';
import type { LogFilter, StreamRange } from '../../../ports/event-store.ts';
import { createUnpacker } from '../archive-codec.ts';
import type { Connection } from './connection.ts';
import { decodeStored, type StoredEvent } from './event-records.ts';
import { type Keys, streamOf } from './keys.ts';
import type { LostTail } from './lost-tail.ts';
import { readPack } from './packs.ts';
import { readLogScript, readStreamScript } from './read-scripts.ts';

/** A slice ends after so many events, or bytes: under a millisecond's work for the server, a few megabytes for us. */
const sliceEvents = 500;
const sliceBytes = 2_000_000;

/** More types than this are found by reading the log and dropping the others. */
const maxMergedTypes = 32;

const everything = Number.MAX_SAFE_INTEGER;

export interface EventReading {
  readStream(stream: StreamId, range?: StreamRange): AsyncIterable<RecordedEvent>;
  readAll(filter?: LogFilter): AsyncIterable<RecordedEvent>;
  head(): Promise<number>;
}

type Slice = readonly [more: number, texts: readonly string[]];

/** Long reads in slices; each slice is one script, so a reader holds nothing while it is away. */
export function redisReading(connection: Connection, keys: Keys, lostTail: LostTail): EventReading {
  const unpacker = createUnpacker();

  const decode = async (stored: StoredEvent): Promise<RecordedEvent> => {
    const { id, stream, version, position, type, recordedAt } = stored;
    const { data, meta } =
      'pack' in stored
        ? (unpacker.find(stream, version) ??
          unpacker.open(stream, version, await readPack(connection, keys, stream, stored.pack)))
        : stored;
    return { id, stream, version, position, type, data, meta, recordedAt };
  };

  const head = async () => Number((await connection.send<string | null>('HGET', keys.log, 'position')) ?? 0);

  /** The next events that may fit the filter. */
  const logSlice = async (filter: LogFilter, after: number, limit: number): Promise<Slice> => {
    const { to = everything, types, pattern, correlationId } = filter;
    if (after >= to) return [0, []];
    const read = (by: string, indexes: readonly string[], most: number, end = to) => {
      const args = [after, end, most, sliceBytes, by, correlationId ?? ''];
      return connection.run<Slice>(readLogScript, [keys.log, keys.events, ...indexes], args);
    };
    const wanted = Math.min(limit, sliceEvents);
    const isTyped = types !== undefined || pattern !== undefined;
    if (correlationId !== undefined) return read('correlation', [keys.correlations], isTyped ? sliceEvents : wanted);
    if (!isTyped) return read('all', [], wanted);
    // The head first: another process may add a type with its next event, which then is beyond this slice.
    const end = Math.min(to, await head());
    const known = (await connection.send<string[]>('SMEMBERS', keys.types)).map(streamOf);
    const matching = known.filter(({ type, id }) => matches(filter, type, id));
    if (matching.length === 0) return [0, []];
    if (matching.length > maxMergedTypes) return read('all', [], sliceEvents, end);
    const indexes = matching.map(({ type, id }) => keys.type(type, id));
    return read('types', indexes, wanted, end);
  };

  return {
    async *readStream(stream, { from = 1, to = everything, limit = everything, backwards = false } = {}) {
      connection.assertOpen();
      const names = [keys.stream(stream), keys.events];
      let low = from;
      let high = to;
      let left = limit;
      while (left > 0 && low <= high) {
        const args = [low, high, Math.min(left, sliceEvents), sliceBytes, backwards ? 1 : 0];
        const [more, texts] = await connection.run<Slice>(readStreamScript, names, args);
        let version = 0;
        for (const text of texts) {
          const event = await decode(decodeStored(text));
          version = event.version;
          yield event;
        }
        left -= texts.length;
        if (more === 0) return;
        if (backwards) high = version - 1;
        else low = version + 1;
        await nextTurn();
      }
    },

    async *readAll(filter = {}) {
      connection.assertOpen();
      let left = filter.limit ?? everything;
      let after = Math.max(filter.after ?? 0, 0);
      while (left > 0) {
        const [more, texts] = await logSlice(filter, after, left);
        let last: StoredEvent | undefined;
        for (const text of texts) {
          const stored = decodeStored(text);
          last = stored;
          after = stored.position;
          if (!matches(filter, stored.stream.type, stored.type)) continue;
          const event = await decode(stored);
          if (filter.correlationId !== undefined && event.meta.correlationId !== filter.correlationId) continue;
          yield event;
          left -= 1;
          if (left === 0) return;
        }
        if (last !== undefined) lostTail.saw(last);
        if (more === 0) return;
        await nextTurn();
      }
    },

    head,
  };
}

function matches({ types, pattern }: LogFilter, streamType: string, type: string): boolean {
  if (types && !types.includes(type)) return false;
  return pattern === undefined || matchesPattern(pattern, streamType, type);
}
