import type { Page, PageQuery, ReadModelCommit, Row } from '../../../ports/read-model.ts';
import { decodePageCursor, encodePageCursor, type PagePlace } from '../page-cursor.ts';
import { createSortedList, type SortedList } from './sorted-list.ts';

/** The rows of one generation, with everything that is read from them kept up to date. */
export interface Rows {
  apply(commit: Pick<ReadModelCommit, 'upserts' | 'deletes'>): void;
  get(id: string): Row | undefined;
  page(query: PageQuery): Page;
  /** So many rows after a place whose search text holds `text`, looking at `slice` rows; `next` when there are more. */
  search(text: string, query: { readonly after?: PagePlace; readonly limit: number; readonly slice: number }): RowSlice;
  totals(): Readonly<Record<string, number>>;
  faulty(limit: number): { readonly count: number; readonly rows: readonly Row[] };
}

export interface RowSlice {
  readonly rows: readonly Row[];
  readonly next?: PagePlace;
}

/** A row with its value as JSON text, so that nobody can change it from outside. */
type StoredRow = Omit<Row, 'value'> & { readonly text: string };

/** A row's place among those with the same value of an index. */
interface IndexPlace extends PagePlace {
  readonly value: string;
}

interface IndexedRow extends IndexPlace {
  readonly row: StoredRow;
}

export function createRows(): Rows {
  const byId = new Map<string, StoredRow>();
  const inOrder = createSortedList<PagePlace, StoredRow>(comparePlaces);
  const faulty = createSortedList<PagePlace, StoredRow>(comparePlaces);
  const indexes = new Map<string, SortedList<IndexPlace, IndexedRow>>();
  const totals = new Map<string, number>();

  const index = (name: string) => {
    const known = indexes.get(name);
    if (known) return known;
    const made = createSortedList<IndexPlace, IndexedRow>(compareIndexPlaces);
    indexes.set(name, made);
    return made;
  };

  const add = (row: StoredRow) => {
    const { id, order } = row;
    byId.set(id, row);
    inOrder.insert(row);
    if (row.faulty) faulty.insert(row);
    for (const [name, value] of Object.entries(row.index)) index(name).insert({ value, order, id, row });
    for (const [name, amount] of Object.entries(row.totals)) totals.set(name, (totals.get(name) ?? 0) + amount);
  };

  const remove = (id: string) => {
    const row = byId.get(id);
    if (!row) return;
    const { order } = row;
    byId.delete(id);
    inOrder.delete(row);
    if (row.faulty) faulty.delete(row);
    for (const [name, value] of Object.entries(row.index)) index(name).delete({ value, order, id });
    for (const [name, amount] of Object.entries(row.totals)) totals.set(name, (totals.get(name) ?? 0) - amount);
  };

  const found = (
    after: PagePlace | undefined,
    where: PageQuery['where'],
  ): Iterable<StoredRow> & IteratorObject<StoredRow> => {
    if (!where) return after ? inOrder.after(after) : inOrder.all();
    const { value } = where;
    const place = { value, ...(after ?? beforeAll) };
    return withValue(value, indexes.get(where.index)?.after(place) ?? []);
  };

  return {
    apply({ upserts, deletes }) {
      // All that can throw comes before the first change.
      const stored = upserts.map(encodeRow);
      for (const row of stored) {
        remove(row.id);
        add(row);
      }
      for (const id of deletes) remove(id);
    },

    get(id) {
      const row = byId.get(id);
      return row && decodeRow(row);
    },

    page({ cursor, limit, where }) {
      const after = cursor === undefined ? undefined : decodePageCursor(cursor);
      const rows = found(after, where)
        .take(limit + 1)
        .toArray();
      const last = rows.length > limit ? rows[limit - 1] : undefined;
      return { rows: rows.slice(0, limit).map(decodeRow), ...(last && { nextCursor: encodePageCursor(last) }) };
    },

    search(text, { after, limit, slice }) {
      const rows: Row[] = [];
      let looked = 0;
      for (const row of found(after, undefined)) {
        looked += 1;
        if (row.search.includes(text)) rows.push(decodeRow(row));
        if (rows.length === limit) break;
        if (looked === slice) return { rows, next: row };
      }
      return { rows };
    },

    totals: () => Object.fromEntries(totals),

    faulty: (limit) => ({ count: faulty.size(), rows: faulty.all().take(limit).map(decodeRow).toArray() }),
  };
}

/** Not below any row's place: an id has at least one character. */
const beforeAll: PagePlace = { order: '', id: '' };

function* withValue(value: string, rows: Iterable<IndexedRow>): Generator<StoredRow> {
  for (const indexed of rows) {
    if (indexed.value !== value) return;
    yield indexed.row;
  }
}

function encodeRow({ value, index, totals, faulty, ...row }: Row): StoredRow {
  return {
    ...row,
    index: Object.freeze({ ...index }),
    totals: Object.freeze({ ...totals }),
    ...(faulty && { faulty: Object.freeze({ ...faulty }) }),
    text: JSON.stringify(value),
  };
}

function decodeRow({ text, ...row }: StoredRow): Row {
  return { ...row, value: JSON.parse(text) };
}

const compareTexts = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

function comparePlaces(a: PagePlace, b: PagePlace): number {
  return compareTexts(a.order, b.order) || compareTexts(a.id, b.id);
}

function compareIndexPlaces(a: IndexPlace, b: IndexPlace): number {
  return compareTexts(a.value, b.value) || comparePlaces(a, b);
}
