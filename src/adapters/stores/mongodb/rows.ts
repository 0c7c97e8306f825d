import { createHash } from 'node:crypto';
import type { Page, PageQuery, Row } from '../../../ports/read-model.ts';
import { decodePageCursor, encodePageCursor, type PagePlace } from '../page-cursor.ts';
import type { Connection } from './connection.ts';
import { type Documents, documentsIn } from './documents.ts';
import {
  decodeRow,
  documentOf,
  goneDocument,
  isThere,
  type RowChange,
  type RowDocument,
  termOf,
} from './row-documents.ts';

/** What a read gave, and what tells whether it was of one state. */
export interface RowsRead<Result> {
  readonly result: Result;
  /** The highest number of a row. */
  readonly newest: number;
  /** There was less than was asked for. */
  readonly isShort: boolean;
}

/** The rows of one generation, in a collection of their own. Reads see the pending change as if it were in. */
export interface GenerationRows {
  load(ids: readonly string[]): Promise<ReadonlyMap<string, RowDocument>>;
  /** Brings the change of this number into the documents; doing it again, or late, changes nothing. */
  apply(number: number, change: RowChange): Promise<void>;
  page(query: PageQuery, pending: RowChange | undefined): Promise<RowsRead<Page>>;
  search(text: string, limit: number, pending: RowChange | undefined): Promise<RowsRead<readonly Row[]>>;
  faulty(limit: number, pending: RowChange | undefined): Promise<RowsRead<{ count: number; rows: readonly Row[] }>>;
  index(): Promise<void>;
  drop(): Promise<void>;
}

/** Where the rows of a read model are: `prefix` and the number of the generation. */
export function rowsPrefix(namespace: string, model: string): string {
  return `${namespace}_rows_${createHash('sha256').update(model).digest('hex').slice(0, 24)}_`;
}

export function mongodbRows(connection: Connection, collection: string): GenerationRows {
  const documents: Documents<RowDocument> = documentsIn<RowDocument>(connection, collection);

  const load = async (ids: readonly string[]) => {
    const found = await Promise.all(ids.map((id) => documents.get(id)));
    return new Map(found.filter(isThere).map((doc) => [doc._id, doc]));
  };

  /** In page order, with the pending change; `fits` says which of its rows belong to what was asked for. */
  const find = async (
    filter: Readonly<Record<string, unknown>>,
    after: PagePlace | undefined,
    limit: number,
    pending: RowChange | undefined,
    fits: (doc: RowDocument) => boolean,
  ): Promise<RowsRead<readonly Row[]>> => {
    const changed = new Set([...(pending?.rows.map(({ id }) => id) ?? []), ...(pending?.deletes ?? [])]);
    const most = limit + changed.size;
    const docs = await documents.find({ ...filter, ...behind(after) } as never, {
      sort: { order: 1, _id: 1 },
      limit: most,
    });
    const added = (pending?.rows ?? [])
      .map((row) => documentOf(row, 0))
      .filter((doc) => fits(doc) && (after === undefined || compare(doc, { order: after.order, _id: after.id }) > 0));
    const all = changed.size === 0 ? docs : [...docs.filter(({ _id }) => !changed.has(_id)), ...added].sort(compare);
    return {
      result: all.slice(0, limit).map(decodeRow),
      newest: docs.reduce((newest, { n }) => Math.max(newest, n), 0),
      isShort: docs.length < most,
    };
  };

  return {
    load,

    async apply(number, { rows, deletes }) {
      const docs = rows.map((row) => documentOf(row, number));
      const fresh = docs.filter((_, at) => rows[at]?.isNew);
      const went = await Promise.all(fresh.map((doc) => documents.insert(doc)));
      const late = fresh.filter((_, at) => !went[at]?.inserted);
      const known = docs.filter((_, at) => !rows[at]?.isNew);
      await documents.replaceOlder([...late, ...known, ...deletes.map((id) => goneDocument(id, number))]);
    },

    async page({ cursor, limit, where }, pending) {
      const after = cursor === undefined ? undefined : decodePageCursor(cursor);
      const term = where && termOf(where.index, where.value);
      const { result, ...read } = await find(
        term === undefined ? {} : { terms: term },
        after,
        limit + 1,
        pending,
        ({ terms }) => term === undefined || (terms ?? []).includes(term),
      );
      const rows = result.slice(0, limit);
      const last = result.length > limit ? rows.at(-1) : undefined;
      return { ...read, result: { rows, ...(last && { nextCursor: encodePageCursor(last) }) } };
    },

    search: (text, limit, pending) =>
      find({ search: { $regex: literal(text) } }, undefined, limit, pending, ({ search = '' }) =>
        search.includes(text),
      ),

    async faulty(limit, pending) {
      const changed = [...(pending?.rows.map(({ id }) => id) ?? []), ...(pending?.deletes ?? [])];
      const [read, stored, before] = await Promise.all([
        find({ faulty: { $exists: true } }, undefined, limit, pending, ({ faulty }) => faulty !== undefined),
        documents.count({ faulty: { $exists: true } }),
        load(changed),
      ]);
      const mended = before
        .values()
        .filter(({ faulty }) => faulty !== undefined)
        .toArray().length;
      const added = (pending?.rows ?? []).filter(({ faulty }) => faulty !== undefined).length;
      return { ...read, result: { count: stored - mended + added, rows: read.result } };
    },

    index: () => documents.index([{ order: 1, _id: 1 }, { terms: 1, order: 1, _id: 1 }, { faulty: 1 }]),

    drop: () => connection.drop(collection),
  };
}

/** Rows after a place; a document without a row has no order. */
function behind(after: PagePlace | undefined): Readonly<Record<string, unknown>> {
  if (after === undefined) return { order: { $gte: '' } };
  const { order, id } = after;
  return { $or: [{ order: { $gt: order } }, { order, _id: { $gt: id } }] };
}

/** As the server compares: by bytes of UTF-8. */
function compare(a: Pick<RowDocument, 'order' | '_id'>, b: Pick<RowDocument, 'order' | '_id'>): number {
  return compareTexts(a.order ?? '', b.order ?? '') || compareTexts(a._id, b._id);
}

function compareTexts(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** A pattern of which every character stands for itself, for all who read patterns. */
function literal(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|-]/g, '\\$&').replaceAll('\0', '\\x00');
}
