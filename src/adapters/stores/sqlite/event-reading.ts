import type { RecordedEvent, StreamId } from '../../../kernel/message.ts';
import type { LogFilter, StreamRange } from '../../../ports/event-store.ts';
import type { Archives } from './archives.ts';
import type { Database, Statement } from './database.ts';
import { decodeEvent, type EventRow, eventColumns, isArchived } from './event-rows.ts';
import type { EventTypes } from './event-types.ts';
import type { Streams } from './streams.ts';

/** A slice ends after so many events, or characters of data: a few milliseconds' work, a few megabytes. */
const sliceEvents = 500;
const sliceCharacters = 2_000_000;

/** More types than this are found by reading the log and dropping the others. */
const maxMergedTypes = 32;

/** An event of the log with its stream beside it. */
type LogRow = [...EventRow, streamType: string, streamId: string];

const everything = Number.MAX_SAFE_INTEGER;

export interface EventReading {
  readStream(stream: StreamId, range?: StreamRange): AsyncIterable<RecordedEvent>;
  readAll(filter?: LogFilter): AsyncIterable<RecordedEvent>;
  head(): number;
}

/** Long reads in slices; each slice is one statement, run to its end, so a reader holds nothing while it is away. */
export function sqliteReading(db: Database, streams: Streams, types: EventTypes, archives: Archives): EventReading {
  const inStream = `SELECT ${eventColumns} FROM events e WHERE stream = ? AND version BETWEEN ? AND ? ORDER BY version`;
  const forwards = db.prepare<EventRow>(`${inStream} LIMIT ?`);
  const backwards = db.prepare<EventRow>(`${inStream} DESC LIMIT ?`);

  const inLog = (condition: string) =>
    db.prepare<LogRow>(`SELECT ${eventColumns}, s.type, s.id FROM events e CROSS JOIN streams s ON s.key = e.stream
      WHERE ${condition} ORDER BY e.position LIMIT ?`);
  const byPosition = inLog('e.position > ? AND e.position <= ?');
  const byCorrelation = inLog('e.correlation_id = ? AND e.position > ? AND e.position <= ?');
  const head = db.prepare<[head: number]>('SELECT coalesce(max(position), 0) FROM events');
  const merged = mergedByCount(db);

  const readHead = () => head.get()?.[0] ?? 0;

  /** The rows with their types' names, which are looked up while the file is open: rows are decoded one by one, later. */
  const named = <Row extends readonly [...EventRow, ...unknown[]]>(rows: readonly Row[]) =>
    rows.map((row) => ({ row, type: types.named(row[2]) }));

  /** A pack is opened when its turn comes, so that a slice of packed events is as small as any. */
  const decoded = async (row: readonly [...EventRow, ...unknown[]], stream: StreamId, type: string) =>
    decodeEvent(row, stream, type, isArchived(row) ? await archives.payload(stream, row[1]) : undefined);

  /** The next events that may fit the filter, and where the slice after them begins. */
  const logSlice = (filter: LogFilter, after: number, limit: number) => {
    // The head first: another process may add a type with its next event, which then is beyond this slice.
    const to = Math.min(filter.to ?? everything, readHead());
    const keys = types.matching(filter);
    const isMerged = filter.correlationId === undefined && keys !== undefined && keys.size <= maxMergedTypes;
    const most = keys === undefined || isMerged ? Math.min(limit, sliceEvents) : sliceEvents;
    const { rows, isLast } = takeSlice<LogRow>(most, () => {
      if (filter.correlationId !== undefined) return byCorrelation.iterate(filter.correlationId, after, to, most);
      return keys && isMerged ? merged(keys, after, to, most) : byPosition.iterate(after, to, most);
    });
    const next = isLast ? undefined : rows.at(-1)?.[0];
    return { rows: named(keys && !isMerged ? rows.filter((row) => keys.has(row[2])) : rows), next };
  };

  return {
    async *readStream(stream, { from = 1, to = everything, limit = everything, backwards: isBackwards = false } = {}) {
      db.assertOpen();
      const key = await db.read(() => streams.find(stream)?.key);
      if (key === undefined) return;
      const own = { type: stream.type, id: stream.id };
      let low = Math.max(from, 1);
      let high = Math.min(to, everything);
      let left = limit;
      while (left > 0) {
        const most = Math.min(left, sliceEvents);
        const statement = isBackwards ? backwards : forwards;
        const { rows, isLast } = await db.read(() => {
          const slice = takeSlice<EventRow>(most, () => statement.iterate(key, low, high, most));
          return { rows: named(slice.rows), isLast: slice.isLast };
        });
        for (const { row, type } of rows) yield await decoded(row, own, type);
        left -= rows.length;
        const version = rows.at(-1)?.row[1];
        if (isLast || left <= 0 || version === undefined) return;
        if (isBackwards) high = version - 1;
        else low = version + 1;
        await db.pause();
      }
    },

    async *readAll(filter = {}) {
      db.assertOpen();
      let left = filter.limit ?? everything;
      let after = Math.max(filter.after ?? 0, 0);
      while (left > 0) {
        const { rows, next } = await db.read(() => logSlice(filter, after, left));
        for (const { row, type } of rows.slice(0, left)) yield await decoded(row, { type: row[13], id: row[14] }, type);
        left -= rows.length;
        if (next === undefined || left <= 0) return;
        after = next;
        await db.pause();
      }
    },

    head: readHead,
  };
}

/** The rows of one statement up to the slice's size; `isLast` when the statement had no more than them. */
function takeSlice<Row extends readonly unknown[]>(most: number, open: () => Iterable<Row>) {
  const rows: Row[] = [];
  let characters = 0;
  for (const row of open()) {
    rows.push(row);
    characters += String(row[12]).length;
    if (characters > sliceCharacters) return { rows, isLast: false };
  }
  return { rows, isLast: rows.length < most };
}

/**
 * Merges the positions of several types, each in order as it stands in the index; one statement per number of types.
 * CROSS JOIN keeps the order of the loops, so the rows come in the order of `found` without being sorted (a sorter would
 * hold the whole slice): https://www.sqlite.org/optoverview.html#crossjoin
 */
function mergedByCount(db: Database) {
  const statements = new Map<number, Statement<LogRow>>();
  const prepare = (count: number) => {
    const one = 'SELECT position FROM events WHERE type = ? AND position > ? AND position <= ?';
    const all = Array.from({ length: count }, () => one).join(' UNION ALL ');
    return db.prepare<LogRow>(`SELECT ${eventColumns}, s.type, s.id
      FROM (${all} ORDER BY position LIMIT ?) found CROSS JOIN events e ON e.position = found.position
      CROSS JOIN streams s ON s.key = e.stream`);
  };
  return (keys: ReadonlySet<number>, after: number, to: number, most: number): Iterable<LogRow> => {
    if (keys.size === 0) return [];
    const statement = statements.get(keys.size) ?? prepare(keys.size);
    statements.set(keys.size, statement);
    return statement.iterate(...[...keys].flatMap((key) => [key, after, to]), most);
  };
}
