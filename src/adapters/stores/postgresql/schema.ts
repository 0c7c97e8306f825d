import { failure } from '../../../kernel/errors.ts';
import { appendFunction } from './append-function.ts';
import { coordinationFunctions } from './coordination-functions.ts';
import { readModelFunctions } from './read-model-functions.ts';
import { snapshotFunctions } from './snapshots.ts';

/**
 * What brings an empty schema to today's, step by step; released steps never change. `$` stands for the schema's name.
 * Streams and event types are numbers inside, so that the indexes of new streams grow at one end. An append only inserts: a
 * row that is updated again and again is slow to find while somebody's old transaction keeps all its versions, so heads are
 * looked up at the ends of indexes, and the row of `head` is nothing but a lock. Texts compare by their
 * bytes. JSON is kept as text: as it was written, with its order of keys, its numbers and \u0000. The view `log` shows
 * everything as people know it.
 */
const migrations: readonly string[] = [
  `
  CREATE TABLE $.head (one boolean PRIMARY KEY DEFAULT true CHECK (one));
  INSERT INTO $.head DEFAULT VALUES;

  CREATE TABLE $.streams (
    key bigint PRIMARY KEY,
    type text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    UNIQUE (type, id)
  );

  CREATE TABLE $.event_types (
    key integer PRIMARY KEY,
    stream_type text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    UNIQUE (stream_type, type)
  );

  CREATE TABLE $.events (
    position bigint PRIMARY KEY,
    stream bigint NOT NULL,
    recorded_at bigint NOT NULL,
    version integer NOT NULL,
    type integer NOT NULL,
    id text NOT NULL,
    correlation_id text COLLATE "C" NOT NULL,
    meta text,
    data text
  );
  CREATE UNIQUE INDEX events_by_version ON $.events (stream, version);
  CREATE INDEX events_by_type ON $.events (type, position);
  CREATE INDEX events_by_correlation ON $.events (correlation_id, position);

  CREATE TABLE $.archives (
    stream bigint NOT NULL,
    last integer NOT NULL,
    first integer NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (stream, last)
  );
  ALTER TABLE $.archives ALTER bytes SET STORAGE EXTERNAL;

  CREATE TABLE $.commands (
    key bigint PRIMARY KEY,
    stream bigint NOT NULL,
    recorded_at bigint NOT NULL,
    position bigint NOT NULL,
    version integer NOT NULL,
    count integer NOT NULL,
    id text COLLATE "C" NOT NULL,
    fingerprint text NOT NULL,
    refused text,
    UNIQUE (stream, id)
  );

  CREATE TABLE $.claims (claim text COLLATE "C" PRIMARY KEY, stream bigint NOT NULL, exact text);

  CREATE TABLE $.snapshots (
    stream bigint NOT NULL,
    version integer NOT NULL,
    machine_hash text COLLATE "C" NOT NULL,
    event_id text NOT NULL,
    state text NOT NULL,
    PRIMARY KEY (stream, machine_hash, version)
  );

  CREATE TABLE $.leases (
    name text COLLATE "C" PRIMARY KEY,
    token bigint NOT NULL,
    beat bigint NOT NULL,
    holder text
  ) WITH (fillfactor = 50);

  CREATE TABLE $.checkpoints (
    name text COLLATE "C" PRIMARY KEY,
    position bigint NOT NULL,
    event_id text
  ) WITH (fillfactor = 50);

  CREATE TABLE $.cursors (
    subscription text COLLATE "C" NOT NULL,
    stream bigint NOT NULL,
    revision bigint NOT NULL,
    version integer NOT NULL,
    state text NOT NULL,
    parked_id text COLLATE "C",
    parked text,
    PRIMARY KEY (subscription, stream)
  ) WITH (fillfactor = 80);
  CREATE INDEX cursors_parked ON $.cursors (parked_id) WHERE parked_id IS NOT NULL;
  CREATE INDEX cursors_parked_here ON $.cursors (subscription, parked_id) WHERE parked_id IS NOT NULL;
  CREATE INDEX cursors_redriving ON $.cursors (subscription) WHERE state = 'redriving';

  CREATE TABLE $.generations (
    number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    read_model text COLLATE "C" NOT NULL,
    hash text NOT NULL,
    state text NOT NULL,
    position bigint NOT NULL DEFAULT 0,
    event_id text,
    totals text NOT NULL DEFAULT '{}'
  ) WITH (fillfactor = 50);
  CREATE INDEX generations_dropped ON $.generations (number) WHERE state = 'dropped';
  CREATE UNIQUE INDEX generations_live ON $.generations (read_model) WHERE state = 'live';
  CREATE UNIQUE INDEX generations_building ON $.generations (read_model) WHERE state = 'building';

  CREATE TABLE $.read_model_rows (
    generation integer NOT NULL,
    id text COLLATE "C" NOT NULL,
    place text COLLATE "C" NOT NULL,
    search text COLLATE "C" NOT NULL,
    value text NOT NULL,
    indexed text NOT NULL,
    totals text NOT NULL,
    faulty text,
    exact text,
    PRIMARY KEY (id, generation)
  ) WITH (fillfactor = 80);
  CREATE INDEX read_model_rows_by_place ON $.read_model_rows (generation, place, id);
  CREATE INDEX read_model_rows_faulty ON $.read_model_rows (generation, place, id) WHERE faulty IS NOT NULL;

  CREATE TABLE $.read_model_index (
    generation integer NOT NULL,
    name text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    place text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    PRIMARY KEY (generation, name, value, place, id)
  );

  CREATE VIEW $.log AS
    SELECT e.position, s.type AS stream_type, s.id AS stream_id, e.version, t.type, e.id, e.data, e.meta,
      e.correlation_id, to_timestamp(e.recorded_at / 1000.0) AS recorded_at
    FROM $.events e JOIN $.streams s ON s.key = e.stream JOIN $.event_types t ON t.key = e.type;

  ${appendFunction}
  ${coordinationFunctions}
  ${snapshotFunctions}
  ${readModelFunctions}
  `,
];

/** The schema that this code reads and writes. */
export const schemaVersion = migrations.length;

/** Runs a statement on one connection, outside of a transaction. */
type Run = (sql: string, values?: readonly unknown[]) => Promise<readonly (readonly unknown[])[]>;

/** Brings the schema to today's in one transaction, or leaves it as it is; of many at once one does it, the others wait.
 * @throws STORE_NEWER, or INVALID_CONFIGURATION when the schema is another application's. */
export async function migrate(run: Run, namespace: string): Promise<void> {
  // One that is up to date is not written to, so that a standby can still be read.
  if ((await versionOf(run, namespace)) === schemaVersion) return;
  const schema = quoted(namespace);
  await run('BEGIN');
  try {
    await run('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`statewright ${namespace}`]);
    const version = await versionOf(run, namespace);
    if (version === undefined) {
      const [exists] = await run('SELECT 1 FROM pg_namespace WHERE nspname = $1', [namespace]);
      if (!exists) await run(`CREATE SCHEMA ${schema}`);
      await run(`CREATE TABLE ${schema}.statewright (version integer NOT NULL)`);
      await run(`INSERT INTO ${schema}.statewright VALUES (0)`);
    }
    for (const step of migrations.slice(version ?? 0)) await run(inSchema(step, namespace));
    await run(`UPDATE ${schema}.statewright SET version = ${schemaVersion}`);
    await run('COMMIT');
  } catch (error) {
    await run('ROLLBACK');
    throw error;
  }
}

/** The statement with the schema's name in the places marked by `$.`. */
export function inSchema(sql: string, namespace: string): string {
  const schema = quoted(namespace);
  return sql
    .replaceAll('$.', () => `${schema}.`)
    .replaceAll('$NAMESPACE', () => `'${namespace.replaceAll("'", "''")}'`);
}

/** As an identifier of SQL. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** The version of what is there; undefined when there is nothing. */
async function versionOf(run: Run, namespace: string): Promise<number | undefined> {
  const [found] = await run(
    `SELECT count(*)::int, coalesce(bool_or(relname = 'statewright'), false) FROM pg_class
      WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1)`,
    [namespace],
  );
  const [relations, isOurs] = found ?? [];
  if (relations === 0) return undefined;
  if (isOurs !== true) {
    throw failure('INVALID_CONFIGURATION', {
      expected: 'a schema of Statewright or none',
      found: `another application's tables in schema ${namespace}`,
      remedy: 'Use another NAMESPACE.',
    });
  }
  const [row] = await run(`SELECT version FROM ${quoted(namespace)}.statewright`);
  const version = Number(row?.[0]);
  if (version > schemaVersion) {
    throw failure('STORE_NEWER', {
      expected: `version ${schemaVersion} at most of schema ${namespace}`,
      found: `version ${version}`,
      remedy: 'Run the version of Statewright that wrote it, or a newer one.',
    });
  }
  return version;
}
