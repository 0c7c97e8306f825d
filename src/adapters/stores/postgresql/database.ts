import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { failure } from '../../../kernel/errors.ts';
import { ended } from './connection-end.ts';
import { createListener, type Listener } from './listener.ts';
import { createPipeline } from './pipeline.ts';
import { isNotThere, isRolledBack, sqlState, storeFailure } from './postgresql-errors.ts';
import { inSchema, migrate } from './schema.ts';

/** A statement that every connection prepares once; its rows are arrays of its columns. */
export type Statement<Row extends readonly unknown[]> = (...values: readonly unknown[]) => Promise<readonly Row[]>;

/** Statements inside one transaction. */
export type Transaction = <Row extends readonly unknown[]>(sql: string, values: readonly unknown[]) => Promise<Row[]>;

/**
 * A pool of connections. Everything but an import is one statement and so one transaction of its own: no transaction
 * waits for this process, which may stand still at any time. In every statement `$.` stands for the schema.
 */
export interface Database {
  /** Done again when the server undid it for the sake of another. @throws as `storeFailure` says, or STORE_CLOSED */
  prepare<Row extends readonly unknown[]>(sql: string): Statement<Row>;
  /** The same on one connection, where the calls are done in their order; each is sent before the earlier ones are answered. */
  prepareInOrder<Row extends readonly unknown[]>(sql: string): Statement<Row>;
  /** Commits what the work did, or none of it when it throws. */
  transaction<Result>(work: (run: Transaction) => Promise<Result>): Promise<Result>;
  /** Tells when another connection, of whatever process, appended. */
  readonly listener: Listener;
  /** @throws STORE_CLOSED */
  assertOpen(): void;
  /** Waits for what is under way, then ends the connections. */
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly url: string;
  /** The schema. */
  readonly namespace: string;
  /** How long a call waits for a connection, and how long a statement may take. */
  readonly patienceMs: number;
  readonly maxConnections: number;
}

/** The client gives up after the server would have. */
const graceMs = 1000;
const keepAliveMs = 10_000;
/** For `plan_cache_mode`. */
const oldestVersion = 120_000;
/** The longest name of PostgreSQL's. */
const maxNameBytes = 63;
/** Between two tries to connect. */
const retryMs = 50;

/** What each connection is told. All reads go by an index, whatever the size of a table was when its plan was made. */
const settings = (patienceMs: number): Readonly<Record<string, string>> => ({
  statement_timeout: String(patienceMs),
  idle_in_transaction_session_timeout: String(patienceMs),
  default_transaction_isolation: 'read committed',
  client_min_messages: 'warning',
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  enable_bitmapscan: 'off',
  jit: 'off',
});

/** Connects, and brings the schema to today's.
 * @throws STORE_UNAVAILABLE, STORE_NEWER, STORE_READ_ONLY, INVALID_CONFIGURATION */
export async function openDatabase({ url, namespace, patienceMs, maxConnections }: DatabaseOptions): Promise<Database> {
  const server = nameOf(url);
  checkNamespace(namespace);
  const connection: pg.ClientConfig = {
    connectionString: url,
    application_name: 'statewright',
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveMs,
    connectionTimeoutMillis: patienceMs,
    types: { getTypeParser },
  };
  const set = async (client: pg.ClientBase) => {
    const entries = Object.entries(settings(patienceMs));
    const calls = entries.map((_, at) => `set_config($${at * 2 + 1}, $${at * 2 + 2}, false)`);
    await client.query(`SELECT ${calls.join(', ')}`, entries.flat());
    // Never weaker than the disk of this server; what is stronger stays.
    await client.query(`SELECT set_config('synchronous_commit', 'on', false)
      WHERE current_setting('synchronous_commit') = 'off'`);
  };
  await prepareSchema(connection, set, namespace, server);

  const pool = new pg.Pool({
    ...connection,
    max: maxConnections,
    query_timeout: patienceMs + graceMs,
    onConnect: set,
  });
  // A connection that ends while nobody uses it has left the pool already.
  pool.on('error', ignore);
  const clients = new Set<pg.PoolClient>();
  pool.on('connect', (client) => {
    clients.add(client);
    client.once('end', () => clients.delete(client));
  });
  const listener = createListener(connection, namespace);
  const underWay = new Set<Promise<unknown>>();
  let statements = 0;
  let closing: Promise<void> | undefined;

  const assertOpen = () => {
    if (closing) throw failure('STORE_CLOSED', { found: server, remedy: 'Open the store again.' });
  };

  /** Nothing was sent yet, so it may be tried as long as the caller is patient. */
  const connected = async <Client>(connect: () => Promise<Client>): Promise<Client> => {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      try {
        return await connect();
      } catch (error) {
        if (!isNotThere(error) || performance.now() + retryMs > deadline) throw error;
      }
      await delay(retryMs);
    }
  };

  const withClient = async <Result>(work: (client: pg.PoolClient) => Promise<Result>): Promise<Result> => {
    const client = await connected(() => pool.connect());
    // The statement under way is told as well.
    client.on('error', ignore);
    try {
      const result = await work(client);
      client.off('error', ignore);
      client.release();
      return result;
    } catch (error) {
      client.off('error', ignore);
      // After an error of the server's the connection is as good as before; else nobody knows what it is at.
      client.release(sqlState(error) === undefined);
      throw error;
    }
  };

  const pipeline = createPipeline(
    () =>
      connected(async () => {
        const client = new pg.Client({ ...connection, pipeline: true, query_timeout: patienceMs + graceMs });
        client.on('error', ignore);
        try {
          await client.connect();
          await set(client);
          return client;
        } catch (error) {
          await ended(client);
          throw error;
        }
      }),
    patienceMs + graceMs,
  );

  const patiently = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!isRolledBack(error) || performance.now() > deadline) throw storeFailure(error, server);
      }
      await delay(1 + Math.random() * 10);
    }
  };

  const tracked = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    assertOpen();
    const call = patiently(work);
    underWay.add(call);
    try {
      return await call;
    } finally {
      underWay.delete(call);
    }
  };

  const prepared =
    (run: <Row extends readonly unknown[]>(statement: pg.QueryArrayConfig) => Promise<readonly Row[]>) =>
    <Row extends readonly unknown[]>(sql: string): Statement<Row> => {
      statements += 1;
      const statement = {
        name: `statewright_${statements}`,
        text: inSchema(sql, namespace),
        rowMode: 'array' as const,
      };
      return (...values) => tracked(() => run<Row>({ ...statement, values: [...values] }));
    };

  return {
    prepare: prepared(<Row extends readonly unknown[]>(statement: pg.QueryArrayConfig) =>
      withClient(async (client) => (await client.query<Row>(statement)).rows),
    ),

    prepareInOrder: prepared(pipeline.run),

    transaction: (work) =>
      tracked(() =>
        withClient(async (client) => {
          await client.query('BEGIN');
          try {
            const result = await work(
              async <Row extends readonly unknown[]>(sql: string, values: readonly unknown[]) => {
                const config = { text: inSchema(sql, namespace), values: [...values], rowMode: 'array' as const };
                return (await client.query<Row>(config)).rows;
              },
            );
            await client.query('COMMIT');
            return result;
          } catch (error) {
            // Where the connection is cut, the server rolls back by itself.
            await client.query('ROLLBACK').catch(ignore);
            throw error;
          }
        }),
      ),

    listener,

    assertOpen,

    close() {
      closing ??= Promise.allSettled(underWay)
        .then(() => Promise.all([listener.close(), pipeline.close(), pool.end()]))
        .then(() => Promise.all([...clients].map(ended)))
        .then(ignore);
      return closing;
    },
  };
}

async function prepareSchema(
  connection: pg.ClientConfig,
  set: (client: pg.ClientBase) => Promise<void>,
  namespace: string,
  server: string,
): Promise<void> {
  const client = new pg.Client(connection);
  client.on('error', ignore);
  try {
    await client.connect();
    await assertUsable(client);
    await set(client);
    // A migration takes as long as it takes.
    await client.query('SET statement_timeout = 0');
    await migrate(
      async (text, values = []) =>
        (await client.query<unknown[]>({ text, values: [...values], rowMode: 'array' })).rows ?? [],
      namespace,
    );
  } catch (error) {
    throw storeFailure(error, server);
  } finally {
    await ended(client);
  }
}

/** @throws INVALID_CONFIGURATION */
async function assertUsable(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ version: number; encoding: string; release: string }>(`SELECT
    current_setting('server_version_num')::int AS version, current_setting('server_version') AS release,
    current_setting('server_encoding') AS encoding`);
  const { version = 0, encoding, release } = rows[0] ?? {};
  if (version >= oldestVersion && encoding === 'UTF8') return;
  throw failure('INVALID_CONFIGURATION', {
    expected: `PostgreSQL ${oldestVersion / 10_000} or newer and a database in UTF8`,
    found: `PostgreSQL ${release} and ${encoding}`,
    remedy: 'Use another server or database.',
  });
}

const ignore = () => {};

/** Where the server is, without the password. @throws INVALID_CONFIGURATION */
function nameOf(url: string): string {
  try {
    const { protocol, host, pathname } = new URL(url);
    if (['postgres:', 'postgresql:'].includes(protocol)) return `${host}${pathname}`;
  } catch {
    // Nothing of an address that can't be read is shown: it may hold a password.
  }
  throw failure('INVALID_CONFIGURATION', {
    expected: 'an address such as postgresql://user:password@host:5432/database',
    found: 'another',
    remedy: 'Check DATABASE_URL.',
  });
}

/** Names that PostgreSQL would cut short could meet. @throws INVALID_CONFIGURATION */
function checkNamespace(namespace: string): void {
  const bytes = Buffer.byteLength(namespace);
  if (bytes > 0 && bytes <= maxNameBytes && !namespace.includes('\0')) return;
  throw failure('INVALID_CONFIGURATION', {
    expected: `a namespace of 1…${maxNameBytes} bytes`,
    found: JSON.stringify(namespace.slice(0, maxNameBytes)),
    remedy: 'Use another NAMESPACE.',
  });
}

/** Positions and times are whole numbers below 2^53. */
function getTypeParser(oid: number, format?: 'text' | 'binary') {
  return oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format);
}
