import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { chmod, open, readdir, stat, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, test } from 'vitest';
import { type SqliteStoreOptions, sqliteStore } from '../../../src/adapters/stores/sqlite/sqlite.ts';
import { isFailure } from '../../../src/kernel/errors.ts';
import type { Store } from '../../../src/ports/store.ts';
import { append, collect, newEvent, newEvents, withCode } from '../../../src/testing/store-fixtures.ts';
import { adapter } from './sqlite.subject.ts';

const stream = { type: 'Account', id: 'one' };
const racer = new URL('sqlite-racer.ts', import.meta.url).pathname;
const nobody = 65534;

describe('sqlite: the file', () => {
  let file: string;
  const opened: Store[] = [];

  const openStore = (options: Omit<SqliteStoreOptions, 'file'> = {}) => {
    const store = sqliteStore({ file, ...options });
    opened.push(store);
    return store;
  };

  /** What the administrator or another program does to the file. */
  const withDatabase = <Result>(work: (db: DatabaseSync) => Result): Result => {
    const db = new DatabaseSync(file);
    try {
      return work(db);
    } finally {
      db.close();
    }
  };

  beforeEach(async () => {
    file = await adapter.newLocation();
  });

  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
    await adapter.destroy(file);
  });

  test('processes that race on one file never overwrite each other: positions and versions are dense', async () => {
    const store = openStore();
    const race = () => promisify(execFile)(process.execPath, [racer, file, '150', '3']);
    const results = await Promise.all([race(), race(), race()]);
    const conflicts = results.reduce((sum, { stdout }) => sum + JSON.parse(stdout).conflicts, 0);
    assert.ok(conflicts > 0, 'the processes never met');
    const log = await collect(store.events.readAll());
    assert.deepEqual(
      log.map(({ position }) => position),
      Array.from({ length: 450 }, (_, at) => at + 1),
    );
    for (const own of Map.groupBy(log, ({ stream: { id } }) => id).values()) {
      assert.deepEqual(
        own.map(({ version }) => version),
        Array.from({ length: 150 }, (_, at) => at + 1),
      );
    }
    const times = log.map(({ recordedAt }) => recordedAt);
    assert.deepEqual(times, times.toSorted());
  }, 60_000);

  test('waits for another process without holding the event loop, and gives up as STORE_UNAVAILABLE', async () => {
    const [patient, hasty] = [openStore(), openStore({ patienceMs: 0 })];
    const other = new DatabaseSync(file);
    try {
      other.exec('BEGIN IMMEDIATE');
      await assert.rejects(append(hasty, stream, 'none'), withCode('STORE_UNAVAILABLE'));
      let turns = 0;
      const waiting = append(patient, stream, 'none').then(() => turns);
      for (; turns < 100; turns += 1) await new Promise(setImmediate);
      assert.equal(await patient.events.head(), 0, 'reads do not wait');
      other.exec('COMMIT');
      assert.equal(await waiting, 100);
      assert.equal((await append(hasty, stream, 1)).kind, 'committed');
    } finally {
      other.close();
    }
  });

  test('full: STORE_FULL leaves nothing half done, reads go on, and appends too once there is room', async () => {
    const store = openStore({ maxBytes: 800_000 });
    const ballast = { stream, machineHash: 'hash', version: 1, eventId: newEvent().id, state: 'x'.repeat(300_000) };
    await store.snapshots.save([ballast]);
    const fill = async (attempt: number) => {
      const id = String(attempt);
      // A new type each time, so that the one whose append fails is not taken for known.
      await append(store, { type: 'Account', id }, 'none', newEvents(9, `Type${attempt}`, { text: 'x'.repeat(2000) }));
    };
    let filled = 0;
    const failed = await (async () => {
      for (; ; filled += 1) await fill(filled);
    })().catch((error: unknown) => error);
    assert.ok(isFailure(failed, 'STORE_FULL'), String(failed));
    assert.match(failed.message, /room/);
    assert.equal((await collect(store.events.readAll())).length, filled * 9);
    await store.snapshots.delete(stream);
    await fill(filled);
    // Another instance knows of the type only what the file says.
    assert.equal((await collect(openStore().events.readAll({ types: [`Type${filled}`] }))).length, 9);
    assert.equal(await store.events.head(), (filled + 1) * 9);
  });

  test('read-only: what is there is read, an append is STORE_READ_ONLY, and works once it may be written', async () => {
    await append(openStore(), stream, 'none');
    await opened.splice(0)[0]?.close();
    await chmod(dirname(file), 0o777);
    await chmod(file, 0o444);
    const asNobody = process.geteuid?.() === 0;
    // Permissions do not bind root.
    if (asNobody) process.seteuid?.(nobody);
    try {
      const store = openStore();
      assert.equal(await store.events.head(), 1);
      await assert.rejects(append(store, stream, 1), withCode('STORE_READ_ONLY'));
      assert.equal(await store.events.head(), 1);
      await store.close();
    } finally {
      if (asNobody) process.seteuid?.(0);
    }
    await chmod(file, 0o644);
    assert.equal((await append(openStore(), stream, 1)).kind, 'committed');
  });

  test('no database: STORE_CORRUPT, and the file is left as it is', async () => {
    await writeFile(file, 'Dear diary, '.repeat(500));
    assert.throws(() => openStore(), withCode('STORE_CORRUPT'));
    assert.equal((await stat(file)).size, 6000);
  });

  test('damaged pages: STORE_CORRUPT', async () => {
    const store = openStore();
    await append(store, stream, 'none', newEvents(1000, 'Happened', { text: 'x'.repeat(100) }));
    await store.close();
    const { size } = await stat(file);
    const handle = await open(file, 'r+');
    await handle.write(Buffer.alloc(size - 100_000, 0xaa), 0, size - 100_000, 100_000);
    await handle.close();
    const read = async () => collect(openStore().events.readAll());
    await assert.rejects(read(), withCode('STORE_CORRUPT'));
  });

  test('written by a newer version: STORE_NEWER, with both versions; the file is left as it is', async () => {
    await openStore().close();
    withDatabase((db) => db.exec('PRAGMA user_version = 99'));
    assert.throws(
      () => openStore(),
      (error) => isFailure(error, 'STORE_NEWER') && error.message.includes('schema 99'),
    );
    withDatabase((db) => assert.equal(db.prepare('PRAGMA user_version').get()?.user_version, 99));
  });

  test("another application's database: INVALID_CONFIGURATION, and nothing is written into it", () => {
    withDatabase((db) => db.exec('CREATE TABLE songs (title TEXT)'));
    assert.throws(() => openStore(), withCode('INVALID_CONFIGURATION'));
    withDatabase((db) => assert.equal(db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.n, 1));
  });

  test('the log is read by the sqlite3 command, or any other SQLite, while the store is open', async () => {
    await append(openStore(), stream, 'none', [newEvent('Opened', { by: 'Ada' })]);
    const sql = `SELECT position, stream_type, stream_id, version, type, data ->> 'by' AS by FROM log`;
    const shell = spawnSync('sqlite3', ['-json', file, sql], { encoding: 'utf8' });
    const rows = shell.error ? withDatabase((db) => db.prepare(sql).all()) : JSON.parse(shell.stdout);
    const expected = { position: 1, stream_type: 'Account', stream_id: 'one', version: 1, type: 'Opened', by: 'Ada' };
    assert.deepEqual({ ...rows[0] }, expected);
  });

  test('commits are synced in full, and closing leaves one file with everything in it', async () => {
    const store = openStore();
    await append(store, stream, 'none', newEvents(500));
    assert.ok((await readdir(dirname(file))).length > 1, 'the WAL is beside it');
    await store.close();
    assert.deepEqual(await readdir(dirname(file)), [basename(file)]);
    withDatabase((db) => {
      assert.equal(db.prepare('PRAGMA journal_mode').get()?.journal_mode, 'wal');
      assert.equal(db.prepare('PRAGMA integrity_check').get()?.integrity_check, 'ok');
      assert.equal(db.prepare('SELECT count(*) AS n FROM events').get()?.n, 500);
    });
  });
});
