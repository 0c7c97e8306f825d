import type { Page, PageQuery, ReadModelCommit, Row } from '../../../ports/read-model.ts';
import { decodePageCursor, encodePageCursor, type PagePlace } from '../page-cursor.ts';
import type { Database } from './database.ts';
import { liveGeneration } from './generations.ts';
import { decodeRow, type EncodedRow, type RowColumns, rowColumns } from './row-columns.ts';

/** The rows of every generation. What is asked by a read model's name is answered by the live one, in one statement. */
export interface Rows {
  /** Inside a transaction only. @returns what the totals change by */
  apply(generation: number, upserts: readonly EncodedRow[], deletes: ReadModelCommit['deletes']): Map<string, number>;
  load(generation: number, id: string): Row | undefined;
  get(name: string, id: string): Row | undefined;
  page(name: string, query: PageQuery): Page;
  /** So many rows of one generation after a place, and where the next slice begins when there are more to look at. */
  search(generation: number, text: string, after: PagePlace, limit: number): RowSlice;
  faulty(name: string, limit: number): { readonly count: number; readonly rows: readonly Row[] };
}

export interface RowSlice {
  readonly rows: readonly Row[];
  readonly next?: PagePlace;
}

/** Not below any row's place: an id has at least one character. */
export const beforeAll: PagePlace = { order: '', id: '' };

/** How many rows one slice of a search looks at: a fraction of a millisecond's work. */
const searchSlice = 500;

type StoredColumns = [key: number, place: string, indexed: string, totals: string, isInPlace: number];

export function sqliteRows(db: Database): Rows {
  const find = db.prepare<StoredColumns>(
    `SELECT key, place, indexed, totals, place = ? AND search = ? FROM read_model_rows WHERE generation = ? AND id = ?`,
  );
  const insert = db.prepare(`INSERT INTO read_model_rows (generation, id, place, search, value, indexed, totals, faulty)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)`);
  // Leaves the index by place alone, which most changes do not concern.
  const update = db.prepare('UPDATE read_model_rows SET value = ?, indexed = ?, totals = ?, faulty = ? WHERE key = ?');
  const move = db.prepare('UPDATE read_model_rows SET place = ?, search = ? WHERE key = ?');
  const remove = db.prepare('DELETE FROM read_model_rows WHERE key = ?');
  const addIndex = db.prepare(
    'INSERT INTO read_model_index (generation, name, value, place, id) VALUES (?, ?, ?, ?, ?)',
  );
  const removeIndex = db.prepare(
    'DELETE FROM read_model_index WHERE generation = ? AND name = ? AND value = ? AND place = ? AND id = ?',
  );

  const select = (rest: string) => db.prepare<RowColumns>(`SELECT ${rowColumns} FROM ${rest}`);
  const one = select('read_model_rows r WHERE r.generation = ? AND r.id = ?');
  const liveOne = select(`read_model_rows r WHERE r.generation = ${liveGeneration} AND r.id = ?`);
  const inPlace = 'ORDER BY r.place, r.id LIMIT ?';
  const all = select(
    `read_model_rows r WHERE r.generation = ${liveGeneration} AND (r.place, r.id) > (?, ?) ${inPlace}`,
  );
  const withValue =
    select(`read_model_index i CROSS JOIN read_model_rows r ON r.generation = i.generation AND r.id = i.id
    WHERE i.generation = ${liveGeneration} AND i.name = ? AND i.value = ? AND (i.place, i.id) > (?, ?)
    ORDER BY i.place, i.id LIMIT ?`);
  const endOfSlice = db.prepare<[place: string, id: string]>(`SELECT place, id FROM read_model_rows
    WHERE generation = ? AND (place, id) > (?, ?) ORDER BY place, id LIMIT 1 OFFSET ${searchSlice - 1}`);
  // The index by place holds the search text too, so only the rows found are read themselves.
  const matching = select(`(SELECT key FROM read_model_rows WHERE generation = ? AND (place, id) > (?, ?)
      AND (place, id) <= (?, ?) AND instr(search, ?) > 0 ORDER BY place, id LIMIT ?) found
    CROSS JOIN read_model_rows r ON r.key = found.key`);
  const matchingToEnd = select(`(SELECT key FROM read_model_rows WHERE generation = ? AND (place, id) > (?, ?)
      AND instr(search, ?) > 0 ORDER BY place, id LIMIT ?) found
    CROSS JOIN read_model_rows r ON r.key = found.key`);
  const countFaulty = db.prepare<[count: number]>(
    `SELECT count(*) FROM read_model_rows WHERE generation = ${liveGeneration} AND faulty IS NOT NULL`,
  );
  const firstFaulty = select(
    `read_model_rows r WHERE r.generation = ${liveGeneration} AND r.faulty IS NOT NULL ${inPlace}`,
  );

  const unindex = (generation: number, id: string, [, place, indexed]: StoredColumns) => {
    for (const [name, value] of entriesOf<string>(indexed)) removeIndex.run(generation, name, value, place, id);
  };

  const upsert = (generation: number, row: EncodedRow) => {
    const { id, place, search, value, indexed, totals, faulty } = row;
    const old = find.get(place, search, generation, id);
    if (old) {
      const [key, , , , isInPlace] = old;
      update.run(value, indexed, totals, faulty, key);
      if (!isInPlace) move.run(place, search, key);
      if (old[1] === place && old[2] === indexed) return old;
      unindex(generation, id, old);
    } else insert.run(generation, id, place, search, value, indexed, totals, faulty);
    for (const [name, text] of entriesOf<string>(indexed)) addIndex.run(generation, name, text, place, id);
    return old;
  };

  const page = (name: string, { order, id }: PagePlace, where: PageQuery['where'], limit: number) =>
    where ? withValue.all(name, where.index, where.value, order, id, limit) : all.all(name, order, id, limit);

  return {
    apply(generation, upserts, deletes) {
      const changes = new Map<string, number>();
      const count = (totals: string, sign: 1 | -1) => {
        for (const [name, amount] of entriesOf<number>(totals)) {
          changes.set(name, (changes.get(name) ?? 0) + sign * amount);
        }
      };
      for (const row of upserts) {
        const old = upsert(generation, row);
        if (old?.[3] === row.totals) continue;
        if (old) count(old[3], -1);
        count(row.totals, 1);
      }
      for (const id of deletes) {
        const old = find.get('', '', generation, id);
        if (!old) continue;
        unindex(generation, id, old);
        remove.run(old[0]);
        count(old[3], -1);
      }
      return changes;
    },

    load: (generation, id) => decoded(one.get(generation, id)),

    get: (name, id) => decoded(liveOne.get(name, id)),

    page(name, { cursor, limit, where }) {
      const after = cursor === undefined ? beforeAll : decodePageCursor(cursor);
      const found = page(name, after, where, limit + 1);
      const rows = found.slice(0, limit).map(decodeRow);
      const last = found.length > limit ? rows.at(-1) : undefined;
      return { rows, ...(last && { nextCursor: encodePageCursor(last) }) };
    },

    search(generation, text, { order, id }, limit) {
      const end = endOfSlice.get(generation, order, id);
      const found = end
        ? matching.all(generation, order, id, ...end, text, limit)
        : matchingToEnd.all(generation, order, id, text, limit);
      return { rows: found.map(decodeRow), ...(end && { next: { order: end[0], id: end[1] } }) };
    },

    faulty: (name, limit) => ({
      count: countFaulty.get(name)?.[0] ?? 0,
      rows: firstFaulty.all(name, limit).map(decodeRow),
    }),
  };
}

const decoded = (row: RowColumns | undefined) => row && decodeRow(row);

/** Of a JSON object's text; most are empty. */
function entriesOf<Value>(text: string): readonly [string, Value][] {
  return text === '{}' ? [] : Object.entries<Value>(JSON.parse(text));
}
