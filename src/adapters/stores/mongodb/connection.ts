import { setTimeout as delay } from 'node:timers/promises';
import { type Collection, type Db, MongoClient } from 'mongodb';
import { failure } from '../../../kernel/errors.ts';
import { isPassing, noAnswer, storeFailure } from './mongodb-errors.ts';

/** Every document is found by a text. */
export interface Keyed {
  readonly _id: string;
}

/** One client, with all that is the same for every request. */
export interface Connection {
  /** The server finds documents by one `_id` only, and looks through the whole collection for anything else: FerretDB 1. */
  readonly scans: boolean;
  /** How often a connection or an answer was lost: the server may have been started anew since. */
  interruptions(): number;
  collection<Doc extends Keyed>(name: string): Collection<Doc>;
  /** Does the work, again and again while the server does not answer and patience lasts: so it must bear being repeated.
   * @throws STORE_UNAVAILABLE and its relatives */
  run<Result>(work: () => Promise<Result>): Promise<Result>;
  /** One call of the store: refused once it is closing, waited for by `close`. @throws STORE_CLOSED */
  call<Result>(work: () => Promise<Result>): Promise<Result>;
  /** The names of the collections that begin with this. */
  collectionNames(prefix: string): Promise<readonly string[]>;
  drop(collection: string): Promise<void>;
  ping(): Promise<void>;
  /** @throws STORE_CLOSED */
  assertOpen(): void;
  /** Waits for the calls under way, then does the last work and lets go. */
  close(lastWork: () => Promise<void>): Promise<void>;
}

export interface ConnectionOptions {
  readonly url: string;
  /** How long a request is tried again while the server does not answer. */
  readonly patienceMs: number;
  /** How long the server may take for one answer. */
  readonly answerMs: number;
}

/** Connects, and waits until the server answers.
 * @throws STORE_UNAVAILABLE, INVALID_CONFIGURATION */
export async function connect({ url, patienceMs, answerMs }: ConnectionOptions): Promise<Connection> {
  const client = newClient(url, patienceMs, answerMs);
  const db = databaseOf(client, url);
  const underWay = new Set<Promise<unknown>>();
  let closing: Promise<void> | undefined;

  const assertOpen = () => {
    if (closing) throw failure('STORE_CLOSED', { found: 'a store that was closed', remedy: 'Open the store again.' });
  };

  let interruptions = 0;
  const asking = new Set<(error: unknown) => void>();
  client.on('connectionPoolCleared', () => {
    interruptions += 1;
    const those = [...asking];
    setTimeout(() => {
      for (const giveUp of those) giveUp(noAnswer());
    }, graceMs).unref();
  });
  client.on('connectionClosed', () => {
    interruptions += 1;
  });

  /**
   * The driver (7.9) waits for ever for the end of a socket that closes while it begins to write. So who still waits a while
   * after the server was found gone is told so.
   */
  const answered = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    const { promise: gone, reject } = Promise.withResolvers<never>();
    asking.add(reject);
    try {
      return await Promise.race([work(), gone]);
    } finally {
      asking.delete(reject);
    }
  };

  const run = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    const deadline = performance.now() + patienceMs;
    for (let tries = 1; ; tries += 1) {
      try {
        return await answered(work);
      } catch (error) {
        if (!isPassing(error)) throw storeFailure(error);
        interruptions += 1;
        if (performance.now() > deadline) throw storeFailure(error);
      }
      await delay(Math.min(10 * 2 ** tries, 500) * (0.5 + Math.random()));
    }
  };

  const ping = async () => void (await run(() => db.command({ ping: 1 })));

  try {
    await run(() => client.connect());
    await ping();
    const info = await run(() => db.admin().command({ buildInfo: 1 }));
    return {
      scans: 'ferretdbVersion' in info,
      interruptions: () => interruptions,
      collection: <Doc extends Keyed>(name: string) => db.collection<Doc>(name),
      run,
      async call(work) {
        assertOpen();
        const call = work();
        underWay.add(call);
        try {
          return await call;
        } catch (error) {
          throw storeFailure(error);
        } finally {
          underWay.delete(call);
        }
      },
      collectionNames: async (prefix) => (await run(() => namesIn(db))).filter((name) => name.startsWith(prefix)),
      async drop(collection) {
        await run(() => db.dropCollection(collection)).catch(ifThere);
      },
      ping,
      assertOpen,
      close(lastWork) {
        closing ??= Promise.allSettled(underWay)
          .then(lastWork)
          .catch(() => {})
          .then(() => client.close());
        return closing;
      },
    };
  } catch (error) {
    await client.close();
    throw storeFailure(error);
  }
}

/** How often it is looked whether the server is there. */
const beatMs = 2_000;

/** How long a request that was under way when the server was found gone may still be answered. */
const graceMs = 1_000;

/** What the address says about concerns is not asked: acknowledged means journaled by a majority, and read from there. */
function newClient(url: string, patienceMs: number, answerMs: number): MongoClient {
  try {
    return new MongoClient(url, {
      appName: 'statewright',
      writeConcern: { w: 'majority', journal: true },
      readConcern: { level: 'majority' },
      readPreference: 'primary',
      // Repeated by `run`, which tells its own documents from others'.
      retryWrites: false,
      retryReads: false,
      serverSelectionTimeoutMS: patienceMs,
      connectTimeoutMS: patienceMs,
      socketTimeoutMS: answerMs,
      heartbeatFrequencyMS: beatMs,
      ignoreUndefined: true,
      promoteLongs: true,
    });
  } catch (error) {
    throw failure('INVALID_CONFIGURATION', {
      expected: 'an address such as mongodb://localhost:27017/statewright',
      found: error instanceof Error ? error.message : String(error),
      remedy: 'Check MONGODB_URL.',
      cause: error,
    });
  }
}

/** The database of the address's path. */
function databaseOf(client: MongoClient, url: string): Db {
  const path = /^[a-z+]+:\/\/[^/]*\/([^?]*)/.exec(url)?.[1];
  return client.db(path === undefined || path === '' ? 'statewright' : decodeURIComponent(path));
}

async function namesIn(db: Db): Promise<readonly string[]> {
  return (await db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name);
}

/** A collection that isn't there is as good as one that was dropped. */
function ifThere(error: unknown): void {
  const { cause } = storeFailure(error);
  if (cause instanceof Error && 'code' in cause && cause.code === 26) return;
  if (cause instanceof Error && /ns not found/.test(cause.message)) return;
  throw error;
}
