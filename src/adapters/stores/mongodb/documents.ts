import { type Collection, type Filter, MongoBulkWriteError, type OptionalUnlessRequiredId } from 'mongodb';
import { together } from '../together.ts';
import type { Connection, Keyed } from './connection.ts';
import { duplicateKey, isDuplicateKey } from './mongodb-errors.ts';

/** Whether a document went in; when not, the one that was there, unless it has gone since. */
export type Inserted<Doc> = { readonly inserted: true } | { readonly inserted: false; readonly there: Doc | undefined };

/**
 * One collection, used only in ways that MongoDB, FerretDB 1 and mongo-java-server keep alike: documents are found by
 * `_id`, and an insert of an `_id` that is there fails. What is asked in one turn of the event loop goes out together.
 */
export interface Documents<Doc extends Keyed> {
  get(id: string): Promise<Doc | undefined>;
  has(id: string): Promise<boolean>;
  /**
   * Inserts it unless there is one with this `_id`. A document that says `by` whom it is may be sent again when no answer
   * came: it counts as inserted when the one that is there is by the same.
   */
  insert(doc: Doc): Promise<Inserted<Doc>>;
  /** Puts each in the place of what is there. What two do at once may end either way. */
  replace(docs: readonly Doc[]): Promise<void>;
  /** Changes each if it is there and older than `n`, by its field `n`. Never brings one back to an older state. */
  replaceOlder(docs: readonly (Doc & { readonly n: number })[]): Promise<void>;
  remove(ids: readonly string[]): Promise<void>;
  /** For what can only be found by looking. Bounded: `limit` documents at most. */
  find(filter: Filter<Doc>, options: FindOptions): Promise<readonly Doc[]>;
  count(filter: Filter<Doc>): Promise<number>;
  /** The ids of all documents that were there at the call, in no order, some of what comes meanwhile. */
  ids(): AsyncIterable<string>;
  /** Everything whose `_id` begins with the prefix. */
  removeByPrefix(prefix: string): Promise<void>;
  /** For MongoDB itself, which then need not look through everything. */
  index(keys: readonly Readonly<Record<string, 1>>[]): Promise<void>;
}

export interface FindOptions {
  readonly sort: Readonly<Record<string, 1 | -1>>;
  readonly limit: number;
  readonly only?: readonly string[];
}

/** How many documents go in one request. */
const batchMax = 500;

/** How many requests of one batch are under way at once on a server that finds one document a request. */
const sideBySide = 8;

export function documentsIn<Doc extends Keyed>(connection: Connection, name: string): Documents<Doc> {
  const collection: Collection<Doc> = connection.collection<Doc>(name);
  const { run, scans } = connection;
  const byId = (id: string) => ({ _id: id }) as Filter<Doc>;
  const anyOf = (ids: readonly string[]) => ({ _id: { $in: ids } }) as unknown as Filter<Doc>;

  /** Those of the ids that are there. FerretDB finds a single `_id` by its index, and several by looking at all. */
  const load = async (
    ids: readonly string[],
    projection: Readonly<Record<string, 0 | 1>>,
  ): Promise<Map<string, Doc>> => {
    const found = new Map<string, Doc>();
    const keep = (doc: unknown) => {
      if (isKeyed(doc)) found.set(doc._id, doc as Doc);
    };
    if (ids.length === 1 || scans) {
      await eachOf(ids, sideBySide, async (id) => keep(await run(() => collection.findOne(byId(id), { projection }))));
    } else {
      for (let at = 0; at < ids.length; at += batchMax) {
        const some = ids.slice(at, at + batchMax);
        const docs = await run(() => collection.find(anyOf(some), { projection, batchSize: batchMax + 1 }).toArray());
        for (const doc of docs) keep(doc);
      }
    }
    return found;
  };

  const get = together(async (ids: readonly string[]) => {
    const found = await load([...new Set(ids)], {});
    return ids.map((id) => found.get(id));
  });

  const has = together(async (ids: readonly string[]) => {
    const found = await load([...new Set(ids)], { _id: 1 });
    return ids.map((id) => found.has(id));
  });

  const insertSome = async (docs: readonly Doc[]): Promise<readonly boolean[]> => {
    const [only] = docs;
    if (docs.length === 1 && only) {
      try {
        await collection.insertOne(only as OptionalUnlessRequiredId<Doc>);
        return [true];
      } catch (error) {
        if (isDuplicateKey(error)) return [false];
        throw error;
      }
    }
    try {
      await collection.insertMany(docs as unknown as OptionalUnlessRequiredId<Doc>[], { ordered: false });
      return docs.map(() => true);
    } catch (error) {
      const there = duplicatesOf(error);
      return docs.map((_, at) => !there.has(at));
    }
  };

  const insert = together(async (docs: readonly Doc[]): Promise<readonly Inserted<Doc>[]> => {
    const results: Inserted<Doc>[] = [];
    for (let at = 0; at < docs.length; at += batchMax) {
      const some = docs.slice(at, at + batchMax);
      const went = await run(() => insertSome(some));
      results.push(
        ...(await Promise.all(
          some.map(async (doc, index): Promise<Inserted<Doc>> => {
            if (went[index]) return { inserted: true };
            const there = await get(doc._id);
            return isBySame(doc, there) ? { inserted: true } : { inserted: false, there };
          }),
        )),
      );
    }
    return results;
  });

  /** FerretDB keeps a connection to its database for each statement of a request, and runs out of them. */
  const update = async <Item>(
    items: readonly Item[],
    one: (item: Item) => Promise<unknown>,
    all: () => Promise<unknown>,
  ) => {
    if (items.length === 0) return;
    if (scans || items.length === 1) for (const item of items) await run(() => one(item)).catch(unlessDuplicate);
    else await run(all).catch(unlessDuplicate);
  };

  return {
    get,
    has,
    insert,

    async replace(docs) {
      const statement = ({ _id, ...rest }: Doc) => [byId(_id), rest as never, { upsert: true }] as const;
      await update(
        docs,
        (doc) => collection.replaceOne(...statement(doc)),
        () =>
          collection.bulkWrite(
            docs.map((doc) => {
              const [filter, replacement] = statement(doc);
              return { replaceOne: { filter, replacement, upsert: true } };
            }),
            { ordered: false },
          ),
      );
    },

    async replaceOlder(docs) {
      const statement = ({ _id, ...rest }: Doc & { readonly n: number }) => {
        const filter = { _id, n: { $lt: rest.n } } as unknown as Filter<Doc>;
        return [filter, rest as never] as const;
      };
      await update(
        docs,
        (doc) => collection.replaceOne(...statement(doc)),
        () =>
          collection.bulkWrite(
            docs.map((doc) => {
              const [filter, replacement] = statement(doc);
              return { replaceOne: { filter, replacement } };
            }),
            { ordered: false },
          ),
      );
    },

    async remove(ids) {
      if (scans) for (const id of ids) await run(() => collection.deleteOne(byId(id)));
      else
        for (let at = 0; at < ids.length; at += batchMax)
          await run(() => collection.deleteMany(anyOf(ids.slice(at, at + batchMax))));
    },

    async find(filter, { sort, limit, only }) {
      const projection = only && Object.fromEntries(only.map((field) => [field, 1]));
      const docs = await run(() =>
        collection
          .find(filter, { sort: { ...sort }, limit, batchSize: limit + 1, ...(projection && { projection }) })
          .toArray(),
      );
      return docs.filter(isKeyed) as unknown as Doc[];
    },

    count: (filter) => run(() => collection.countDocuments(filter)),

    async *ids() {
      for await (const { _id } of collection.find({}, { projection: { _id: 1 } })) yield String(_id);
    },

    async removeByPrefix(prefix) {
      // The character after the prefix's last: every text that begins with the prefix is below it.
      const end = prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
      await run(() => collection.deleteMany({ _id: { $gte: prefix, $lt: end } } as unknown as Filter<Doc>));
    },

    async index(keys) {
      if (!scans) await run(() => collection.createIndexes(keys.map((key) => ({ key: { ...key } }))));
    },
  };
}

/** Does the work for each item, so many side by side. */
async function eachOf<Item>(items: readonly Item[], width: number, work: (item: Item) => Promise<void>): Promise<void> {
  const rest = items.values();
  const worker = async () => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
}

/** Which of a batch were there already. Any other fault of one is the fault of all. */
function duplicatesOf(error: unknown): ReadonlySet<number> {
  if (!(error instanceof MongoBulkWriteError)) throw error;
  const faults = Array.isArray(error.writeErrors) ? error.writeErrors : [error.writeErrors];
  if (faults.length === 0 || faults.some(({ code }) => code !== duplicateKey)) throw error;
  return new Set(faults.map(({ index }) => index));
}

function unlessDuplicate(error: unknown): void {
  const { cause } = error instanceof Error ? error : { cause: undefined };
  if (isDuplicateKey(cause) || isDuplicateKey(error)) return;
  throw error;
}

function isKeyed(doc: unknown): doc is Keyed {
  return typeof doc === 'object' && doc !== null && '_id' in doc && typeof doc._id === 'string';
}

function isBySame(doc: Keyed, there: Keyed | undefined): boolean {
  return there !== undefined && 'by' in doc && 'by' in there && doc.by === there.by;
}
