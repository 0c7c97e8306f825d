import { failure } from '../../../kernel/errors.ts';
import type { Checkpoint } from '../../../ports/coordination.ts';
import type { Page, PageQuery, ReadModelCommit, Row } from '../../../ports/read-model.ts';
import { decodePageCursor, encodePageCursor, type PagePlace } from '../page-cursor.ts';
import type { Database } from './database.ts';
import { fenced } from './fenced.ts';
import { liveGeneration, noGeneration } from './generations.ts';
import { keyText, storable } from './key-text.ts';
import { decodeRow, encodeRow, type RowColumns, rowColumns } from './row-columns.ts';

/** The rows of every generation. What is asked by a read model's name is answered by the live one, in one statement. */
export interface Rows {
  /**
   * Once, on top of the checkpoint that the caller knows, or not at all.
   * @throws FENCED, also when the generation is elsewhere; NOT_FOUND when it was dropped
   */
  commit(generation: number, known: Checkpoint, commit: ReadModelCommit): Promise<void>;
  load(generation: number, ids: readonly string[]): Promise<ReadonlyMap<string, Row>>;
  get(name: string, id: string): Promise<Row | undefined>;
  page(name: string, query: PageQuery): Promise<Page>;
  /** So many rows of the live generation after a place, and where the next slice begins when there are more to look at. */
  search(name: string, text: string, after: PagePlace, limit: number): Promise<RowSlice>;
  faulty(name: string, limit: number): Promise<{ readonly count: number; readonly rows: readonly Row[] }>;
}

export interface RowSlice {
  /** That was searched; undefined when none is live. */
  readonly generation: number | undefined;
  readonly rows: readonly Row[];
  readonly next?: PagePlace;
}

/** Not below any row's place: an id has at least one character. */
export const beforeAll: PagePlace = { order: '', id: '' };

/** How many rows one slice of a search looks at: some milliseconds' work of the server. */
const searchSlice = 5000;

export function postgresqlRows(db: Database): Rows {
  const commit = db.prepare<[said: string]>(`SELECT $.commit_rows($1, $2, $3, $4, $5, $6, $7, $8::text[], $9::text[],
    $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[])`);
  const select = (rest: string) => db.prepare<RowColumns>(`SELECT ${rowColumns} FROM ${rest}`);
  const some = select(`$.read_model_rows r WHERE r.id = ANY ($2::text[]) AND r.generation + 0 = $1`);
  const liveOne = select(`$.read_model_rows r WHERE r.generation + 0 = ${liveGeneration} AND r.id = $2`);
  const all = select(`$.read_model_rows r WHERE r.generation = ${liveGeneration} AND (r.place, r.id) > ($2, $3)
    ORDER BY r.place, r.id LIMIT $4`);
  const withValue = select(`(SELECT * FROM $.read_model_index i WHERE i.generation = ${liveGeneration}
      AND i.name = $5 AND i.value = $6 AND (i.place, i.id) > ($2, $3) ORDER BY i.place, i.id LIMIT $4) i
    , LATERAL (SELECT * FROM $.read_model_rows r WHERE r.id = i.id AND r.generation + 0 = i.generation OFFSET 0) r
    ORDER BY i.place, i.id`);
  // The last row of the slice comes in any case, so that the next slice begins after it, and so does the generation.
  const search = db.prepare<[generation: number | null, number: number | null, isFound: boolean, ...RowColumns]>(`
    SELECT g.live, r.number, r.is_found, ${rowColumns} FROM (SELECT ${liveGeneration} AS live) g LEFT JOIN LATERAL (
      SELECT y.*, count(*) FILTER (WHERE y.is_found) OVER (ORDER BY y.number) AS found
      FROM (SELECT x.*, row_number() OVER (ORDER BY x.place, x.id) AS number, position($4 IN x.search) > 0 AS is_found
        FROM (SELECT * FROM $.read_model_rows WHERE generation = g.live AND (place, id) > ($2, $3)
          ORDER BY place, id LIMIT ${searchSlice}) x) y) r
    ON r.is_found AND r.found <= $5 OR r.number = ${searchSlice} ORDER BY r.number`);
  const countFaulty = db.prepare<[count: number]>(
    `SELECT count(*) FROM $.read_model_rows WHERE generation = ${liveGeneration} AND faulty IS NOT NULL`,
  );
  const firstFaulty = select(`$.read_model_rows r WHERE r.generation = ${liveGeneration} AND r.faulty IS NOT NULL
    ORDER BY r.place, r.id LIMIT $2`);

  const columnsOf = (upserts: readonly Row[], deletes: ReadonlySet<string>) => {
    const rows = [...new Map(upserts.map((row) => [row.id, row])).values()];
    const encoded = rows.filter(({ id }) => !deletes.has(id)).map(encodeRow);
    return [
      ...[encoded.map(({ id }) => id), encoded.map(({ place }) => place), encoded.map(({ search }) => search)],
      ...[encoded.map(({ value }) => value), encoded.map(({ indexed }) => indexed)],
      ...[encoded.map(({ totals }) => totals), encoded.map(({ faulty }) => faulty)],
      ...[encoded.map(({ exact }) => exact), [...deletes].map(keyText)],
    ];
  };

  return {
    async commit(generation, known, { upserts, deletes, checkpoint, fence }) {
      db.assertOpen();
      const columns = columnsOf(upserts, new Set(deletes));
      const places = [known, checkpoint].flatMap(({ position, eventId }) => [position, eventId ?? null]);
      const [row] = await fenced(fence, (lease, token) => commit(generation, lease, token, ...places, ...columns));
      if (row?.[0] === 'dropped') throw noGeneration(generation);
      if (row?.[0] !== 'done') throw overtaken(generation, known, row?.[0]);
    },

    async load(generation, ids) {
      const rows = (await some(generation, [...new Set(ids.map(keyText))])).map(decodeRow);
      return new Map(rows.map((row) => [row.id, row]));
    },

    async get(name, id) {
      const [row] = await liveOne(keyText(name), keyText(id));
      return row && decodeRow(row);
    },

    async page(name, { cursor, limit, where }) {
      const { order, id } = cursor === undefined ? beforeAll : decodePageCursor(cursor);
      const parameters = [keyText(name), storable(order), storable(id), limit + 1];
      const found = where
        ? await withValue(...parameters, keyText(where.index), keyText(where.value))
        : await all(...parameters);
      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1) : undefined;
      return { rows: page.map(decodeRow), ...(last && { nextCursor: encodePageCursor(placeOf(last)) }) };
    },

    async search(name, text, { order, id }, limit) {
      const slice = await search(keyText(name), order, id, storable(text), limit);
      const rows: Row[] = [];
      let next: PagePlace | undefined;
      for (const [, number, isFound, ...columns] of slice) {
        if (isFound && rows.length < limit) rows.push(decodeRow(columns));
        if (number === searchSlice) next = placeOf(columns);
      }
      return { generation: slice[0]?.[0] ?? undefined, rows, ...(next && { next }) };
    },

    async faulty(name, limit) {
      const [[count] = [0], rows] = await Promise.all([
        countFaulty(keyText(name)).then(([row]) => row),
        firstFaulty(keyText(name), limit),
      ]);
      return { count, rows: rows.map(decodeRow) };
    },
  };
}

/** Where a row stands in the pages, as the index has it. */
const placeOf = ([id, place]: readonly [id: string, place: string, ...unknown[]]): PagePlace => ({ order: place, id });

/** Opening it again tells where it stands. */
function overtaken(number: number, { position }: Checkpoint, found = 'nothing') {
  return failure('FENCED', {
    expected: `generation ${number} at position ${position}`,
    found,
    remedy: 'Open it again: a commit before this one landed after all.',
  });
}
