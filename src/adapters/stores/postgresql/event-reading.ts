import type { RecordedEvent, StreamId } from '../../../kernel/message.ts';
import type { LogFilter, StreamRange } from '../../../ports/event-store.ts';
import type { Archives } from './archives.ts';
import type { Database } from './database.ts';
import { decodeEvent, type EventRow, eventColumns, isArchived, streamOf } from './event-rows.ts';
import { keyText } from './key-text.ts';
import { streamNumbered } from './stream-lookup.ts';

/** A slice ends after so many events, or bytes of data: a few milliseconds' work, a few megabytes. */
const sliceEvents = 500;
const sliceBytes = 2_000_000;

/** More types than this are found by reading the log and dropping the others, so many positions at a time. */
const maxMergedTypes = 32;
const slicePositions = 5000;

const everything = Number.MAX_SAFE_INTEGER;
const lastVersion = 2 ** 31 - 1;

export interface EventReading {
  readStream(stream: StreamId, range?: StreamRange): AsyncIterable<RecordedEvent>;
  readAll(filter?: LogFilter): AsyncIterable<RecordedEvent>;
  head(): Promise<number>;
}

/** An event, and how many there were in its slice before the bytes were counted. */
type SliceRow = [...EventRow, found: number];

/** Long reads in slices; each slice is one statement, so a reader holds nothing while it is away. */
export function postgresqlReading(db: Database, archives: Archives): EventReading {
  /** The first events in order until the bytes are full; the first of all whatever its size. */
  const slice = (from: string, order: string) =>
    db.prepare<SliceRow>(`SELECT position, version, recorded_at, id, meta, data, type, stream_type, stream_id, found
      FROM (SELECT x.*, count(*) OVER () AS found, sum(coalesce(octet_length(x.data), 0)) OVER (ORDER BY x.${order})
          - coalesce(octet_length(x.data), 0) AS bytes_before
        FROM (SELECT ${eventColumns} FROM ${from} ORDER BY e.${order}) x) y
      WHERE bytes_before < ${sliceBytes} ORDER BY ${order}`);

  const named = `${streamNumbered('e.stream')}, LATERAL (SELECT * FROM $.event_types t WHERE t.key = e.type OFFSET 0) t`;
  const ofLog = (found: string) => slice(`(${found}) e, ${named}`, 'position');
  const inStream = (direction: string) =>
    slice(
      `(SELECT * FROM $.events WHERE stream = (SELECT key FROM $.streams WHERE type = $1 AND id = $2)
        AND version BETWEEN $3::integer AND $4::integer ORDER BY version ${direction} LIMIT $5) e, ${named}`,
      `version ${direction}`,
    );
  const forwards = inStream('ASC');
  const backwards = inStream('DESC');

  const inRange = 'position > $1 AND position <= $2';
  // Types as the filter says; in the statement itself, so that those another process has just added are among them.
  const matching = `SELECT key FROM $.event_types
    WHERE ($4::text[] IS NULL OR type = ANY ($4)) AND ($5::text IS NULL OR stream_type = $5) AND ($6::text IS NULL OR type = $6)`;
  const byPosition = ofLog(`SELECT * FROM $.events WHERE ${inRange} ORDER BY position LIMIT $3`);
  const byType = ofLog(`SELECT f.* FROM (${matching}) m CROSS JOIN LATERAL (SELECT * FROM $.events
      WHERE (type, position) > (m.key, $1) AND (type, position) <= (m.key, $2) ORDER BY type, position LIMIT $3) f
    ORDER BY f.position LIMIT $3`);
  const byManyTypes = ofLog(`SELECT * FROM $.events WHERE ${inRange} AND type = ANY (ARRAY(${matching}))
    ORDER BY position LIMIT $3`);
  const byCorrelation = ofLog(`SELECT * FROM $.events
    WHERE (correlation_id, position) > ($7, $1) AND (correlation_id, position) <= ($7, $2)
      AND type = ANY (ARRAY(${matching})) ORDER BY correlation_id, position LIMIT $3`);
  const countTypes = db.prepare<[count: number]>('SELECT count(*) FROM $.event_types');
  const head = db.prepare<[position: number]>('SELECT coalesce(max(position), 0) FROM $.events');

  const readHead = async () => (await head())[0]?.[0] ?? 0;

  async function* decoded(rows: readonly SliceRow[]): AsyncGenerator<RecordedEvent> {
    for (const row of rows) {
      yield isArchived(row) ? decodeEvent(row, await archives.payload(streamOf(row), row[1])) : decodeEvent(row);
    }
  }

  /** The next events that fit the filter, and where the slice after them begins. */
  const logSlice = async (filter: LogFilter, isMerged: boolean, after: number, most: number) => {
    const to = filter.to ?? everything;
    const values = typeConditions(filter);
    if (filter.correlationId !== undefined) {
      return nextSlice(await byCorrelation(after, to, most, ...values, keyText(filter.correlationId)), most);
    }
    if (!isByType(filter)) return nextSlice(await byPosition(after, to, most), most);
    if (isMerged) return nextSlice(await byType(after, to, most, ...values), most);
    // The head first: what is appended after it is beyond this slice.
    const end = Math.min(to, after + slicePositions, await readHead());
    const { rows, next } = nextSlice(await byManyTypes(after, end, most, ...values), most);
    return { rows, next: next ?? (end === after + slicePositions ? end : undefined) };
  };

  return {
    async *readStream(stream, { from = 1, to = everything, limit = everything, backwards: isBackwards = false } = {}) {
      db.assertOpen();
      let low = Math.max(from, 1);
      let high = Math.min(to, lastVersion);
      let left = limit;
      while (left > 0 && low <= high) {
        const most = Math.min(left, sliceEvents);
        const statement = isBackwards ? backwards : forwards;
        const { rows, next } = nextSlice(await statement(stream.type, stream.id, low, high, most), most);
        yield* decoded(rows);
        left -= rows.length;
        const version = rows.at(-1)?.[1];
        if (next === undefined || version === undefined) return;
        if (isBackwards) high = version - 1;
        else low = version + 1;
        db.assertOpen();
      }
    },

    async *readAll(filter = {}) {
      db.assertOpen();
      let left = filter.limit ?? everything;
      let after = Math.max(filter.after ?? 0, 0);
      const isMerged = isByType(filter) && ((await countTypes())[0]?.[0] ?? 0) <= maxMergedTypes;
      while (left > 0) {
        const { rows, next } = await logSlice(filter, isMerged, after, Math.min(left, sliceEvents));
        yield* decoded(rows);
        left -= rows.length;
        if (next === undefined) return;
        after = next;
        db.assertOpen();
      }
    },

    head: readHead,
  };
}

/** Without `next` when there is nothing behind the slice. */
function nextSlice(rows: readonly SliceRow[], most: number) {
  const last = rows.at(-1);
  const isLast = last === undefined || (last[9] < most && rows.length === last[9]);
  return { rows, next: isLast ? undefined : last[0] };
}

/** The parameters of the condition on types: types, type of stream, type. */
function typeConditions({ types, pattern }: LogFilter): readonly unknown[] {
  const dot = pattern?.indexOf('.') ?? 0;
  const part = (text: string | undefined) => (text === undefined || text === '*' ? null : text);
  return [types ?? null, part(pattern?.slice(0, dot)), part(pattern?.slice(dot + 1))];
}

const isByType = ({ types, pattern }: LogFilter) => types !== undefined || (pattern !== undefined && pattern !== '*.*');
