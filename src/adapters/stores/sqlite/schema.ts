import type { DatabaseSync } from 'node:sqlite';
import { failure } from '../../../kernel/errors.ts';

/** "Stwr": tells our files from other SQLite databases. */
const applicationId = 0x53747772;

/**
 * What brings an empty file to today's schema, step by step; released steps never change. Streams and event types are
 * integers inside: with text keys the indexes are spread over the file, and a group commit takes 2 to 5 times as long
 * (docs/decisions/0001). The view `log` shows them as people know them.
 */
const migrations: readonly string[] = [
  `
  CREATE TABLE streams (
    key INTEGER PRIMARY KEY,
    type TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    last_event TEXT,
    UNIQUE (type, id)
  ) STRICT;

  CREATE TABLE event_types (
    key INTEGER PRIMARY KEY,
    stream_type TEXT NOT NULL,
    type TEXT NOT NULL,
    UNIQUE (stream_type, type)
  ) STRICT;

  CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    stream INTEGER NOT NULL,
    version INTEGER NOT NULL,
    type INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    id TEXT NOT NULL,
    occurred_at TEXT NOT NULL,
    command_id TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    causation_id TEXT NOT NULL,
    user_id TEXT,
    source TEXT NOT NULL,
    schema INTEGER NOT NULL,
    data TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX events_by_version ON events (stream, version);
  CREATE INDEX events_by_type ON events (type);
  CREATE INDEX events_by_correlation ON events (correlation_id);

  CREATE TABLE commands (
    key INTEGER PRIMARY KEY,
    stream INTEGER NOT NULL,
    id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    version INTEGER NOT NULL,
    count INTEGER NOT NULL,
    position INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    refused TEXT,
    UNIQUE (stream, id)
  ) STRICT;

  CREATE TABLE claims (claim TEXT PRIMARY KEY, stream INTEGER NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE snapshots (
    stream INTEGER NOT NULL,
    machine_hash TEXT NOT NULL,
    version INTEGER NOT NULL,
    event_id TEXT NOT NULL,
    state TEXT NOT NULL,
    UNIQUE (stream, machine_hash, version)
  ) STRICT;

  CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    token INTEGER NOT NULL,
    beat INTEGER NOT NULL,
    holder TEXT
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE checkpoints (name TEXT PRIMARY KEY, position INTEGER NOT NULL, event_id TEXT) STRICT, WITHOUT ROWID;

  CREATE TABLE cursors (
    subscription TEXT NOT NULL,
    stream INTEGER NOT NULL,
    version INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    state TEXT NOT NULL,
    parked_id TEXT,
    parked TEXT,
    PRIMARY KEY (subscription, stream)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX cursors_parked ON cursors (parked_id) WHERE parked_id IS NOT NULL;
  CREATE INDEX cursors_parked_here ON cursors (subscription, parked_id) WHERE parked_id IS NOT NULL;
  CREATE INDEX cursors_redriving ON cursors (subscription) WHERE state = 'redriving';

  CREATE TABLE generations (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    read_model TEXT NOT NULL,
    hash TEXT NOT NULL,
    state TEXT NOT NULL,
    position INTEGER NOT NULL DEFAULT 0,
    event_id TEXT,
    totals TEXT NOT NULL DEFAULT '{}'
  ) STRICT;
  CREATE INDEX generations_by_state ON generations (read_model, state);
  CREATE UNIQUE INDEX generations_live ON generations (read_model) WHERE state = 'live';
  CREATE UNIQUE INDEX generations_building ON generations (read_model) WHERE state = 'building';

  CREATE TABLE read_model_rows (
    key INTEGER PRIMARY KEY,
    generation INTEGER NOT NULL,
    id TEXT NOT NULL,
    place TEXT NOT NULL,
    search TEXT NOT NULL,
    value TEXT NOT NULL,
    indexed TEXT NOT NULL,
    totals TEXT NOT NULL,
    faulty TEXT,
    UNIQUE (generation, id)
  ) STRICT;
  CREATE INDEX read_model_rows_by_place ON read_model_rows (generation, place, id, search);
  CREATE INDEX read_model_rows_faulty ON read_model_rows (generation, place, id) WHERE faulty IS NOT NULL;

  CREATE TABLE read_model_index (
    generation INTEGER NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    place TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (generation, name, value, place, id)
  ) STRICT, WITHOUT ROWID;

  CREATE VIEW log AS
    SELECT position, s.type AS stream_type, s.id AS stream_id, e.version, t.type, e.id, data, occurred_at, command_id,
      correlation_id, causation_id, user_id, source, schema,
      strftime('%Y-%m-%dT%H:%M:%fZ', recorded_at / 1000.0, 'unixepoch') AS recorded_at
    FROM events e JOIN streams s ON s.key = e.stream JOIN event_types t ON t.key = e.type;
  `,
  // An event in an archive keeps its row, with schema 0 and nothing in the columns that hold its data and metadata.
  `
  CREATE TABLE archives (
    stream INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    payload BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX archives_by_version ON archives (stream, first, last);
  `,
];

/** The schema that this code reads and writes. */
export const schemaVersion = migrations.length;

/** Brings the file to today's schema in one transaction, or leaves it as it is.
 * @throws STORE_NEWER, or INVALID_CONFIGURATION when the file is another application's database. */
export function migrate(db: DatabaseSync, file: string): void {
  // A file that is up to date is not written to, so that a read-only one can still be read.
  if (versionOf(db, file) === schemaVersion) return;
  db.exec('BEGIN IMMEDIATE');
  try {
    for (const step of migrations.slice(versionOf(db, file))) db.exec(step);
    db.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${schemaVersion}; COMMIT`);
  } finally {
    if (db.isTransaction) db.exec('ROLLBACK');
  }
}

function versionOf(db: DatabaseSync, file: string): number {
  const version = pragma(db, 'user_version');
  const owner = pragma(db, 'application_id');
  const isEmpty = db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined;
  if (!isEmpty && owner !== applicationId) {
    throw failure('INVALID_CONFIGURATION', {
      expected: 'a store of Statewright or no file',
      found: `another application's database at ${file}`,
      remedy: 'Use another file.',
    });
  }
  if (version > schemaVersion) {
    throw failure('STORE_NEWER', {
      expected: `schema ${schemaVersion} at most in ${file}`,
      found: `schema ${version}`,
      remedy: 'Run the version of Statewright that wrote it, or a newer one.',
    });
  }
  return version;
}

function pragma(db: DatabaseSync, name: 'user_version' | 'application_id'): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name]);
}
