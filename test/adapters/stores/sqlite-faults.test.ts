import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, open as openFile, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, test } from 'vitest';
import { type SqliteStoreOptions, sqliteStore } from '../../../src/adapters/stores/sqlite/sqlite.ts';
import { type ErrorCode, isFailure } from '../../../src/kernel/errors.ts';
import type { Store } from '../../../src/ports/store.ts';
import { append, collect, commit, newCommand, newEvent, withCode } from '../../../src/testing/store-fixtures.ts';
import { newRow } from '../../../src/testing/stores/read-model-rows.ts';

const account = { type: 'Account', id: 'a' };
const pageBytes = 4096;

let directory: string;
let file: string;
const opened: (Store | DatabaseSync)[] = [];

function open(options: Partial<SqliteStoreOptions> = {}): Store {
  const store = sqliteStore({ file, ...options });
  opened.push(store);
  return store;
}

/** The file as anybody with SQLite sees it. */
function openRaw(): DatabaseSync {
  const db = new DatabaseSync(file);
  opened.push(db);
  return db;
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'statewright-sqlite-'));
  file = join(directory, 'statewright.db');
});

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
  await chmod(directory, 0o755);
  await rm(directory, { recursive: true });
});

describe('a full disk', () => {
  const large = () => newEvent('Swollen', 'x'.repeat(1_000_000));

  test('stores nothing of the append that does not fit, and takes the next that does', async () => {
    const store = open({ maxBytes: 100 * pageBytes });
    await commit(store, account, 'none');
    const command = newCommand();
    const entries = [
      { stream: account, expected: 1, events: [newEvent('Small')], command, take: ['name:a'] },
      { stream: { type: 'Account', id: 'b' }, expected: 'none', events: [large()] },
    ] as const;
    await assert.rejects(store.events.append(entries), withCode('STORE_FULL'));
    assert.equal(await store.events.head(), 1);
    assert.equal((await store.events.claimHolders(['name:a'])).size, 0);
    const again = await commit(store, account, 1, [newEvent('Small')], { command, take: ['name:a'] });
    assert.deepEqual([again.version, again.position], [2, 2]);
  });

  test('leaves no name of an event type behind that the file does not have', async () => {
    const store = open({ maxBytes: 100 * pageBytes });
    await assert.rejects(append(store, account, 'none', [large()]), withCode('STORE_FULL'));
    await commit(store, account, 'any', [newEvent('Small')]);
    await commit(store, account, 'any', [newEvent('Swollen', 'less')]);
    for (const reader of [store, open()]) {
      const log = await collect(reader.events.readAll());
      assert.deepEqual(
        log.map(({ type }) => type),
        ['Small', 'Swollen'],
      );
    }
  });

  test('leaves a read model as it was: rows, totals and checkpoint', async () => {
    const store = open({ maxBytes: 100 * pageBytes });
    const { record } = await store.leases.take('rows', 'me', await store.leases.read('rows'));
    const fence = { lease: 'rows', token: record.token };
    const generation = await store.readModels.open({ name: 'rows', hash: 'hash' }, fence);
    const one = newRow('one', { totals: { rows: 1 } });
    await generation.commit({ upserts: [one], deletes: [], checkpoint: { position: 1 }, fence });
    const two = newRow('two', { totals: { rows: 1 }, value: 'x'.repeat(1_000_000) });
    const tooLarge = { upserts: [two], deletes: ['one'], checkpoint: { position: 2 }, fence };
    await assert.rejects(generation.commit(tooLarge), withCode('STORE_FULL'));
    assert.deepEqual((await store.readModels.page('rows', { limit: 10 })).rows, [one]);
    assert.deepEqual(await store.readModels.totals('rows'), { rows: 1 });
    assert.deepEqual(await generation.checkpoint(), { position: 1 });
  });
});

describe('a file without permission to write', () => {
  /** Root may write everything, so it acts as nobody meanwhile. */
  async function asNobody(work: () => Promise<void>): Promise<void> {
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(65_534);
    try {
      await work();
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  }

  test('is read, and every write is STORE_READ_ONLY', async () => {
    await commit(open(), account, 'none');
    await chmod(file, 0o444);
    for (const side of ['-wal', '-shm']) await chmod(`${file}${side}`, 0o444);
    await chmod(directory, 0o555);
    await asNobody(async () => {
      const store = open();
      assert.equal((await collect(store.events.readStream(account))).length, 1);
      await assert.rejects(append(store, account, 1), withCode('STORE_READ_ONLY'));
      await assert.rejects(store.leases.take('relay', 'me', { token: 0, beat: 0 }), withCode('STORE_READ_ONLY'));
      assert.equal(await store.events.head(), 1);
    });
    await chmod(file, 0o644);
    for (const side of ['-wal', '-shm']) await chmod(`${file}${side}`, 0o644);
    await commit(open(), account, 1);
  });

  test('in a directory that can be neither written nor made is one clear error', async () => {
    await chmod(directory, 0o555);
    await asNobody(async () => {
      assert.throws(() => open(), explains('STORE_UNAVAILABLE', 'STORE_READ_ONLY'));
      assert.throws(() => open({ file: join(directory, 'deeper', 'store.db') }), explains('STORE_READ_ONLY'));
    });
  });
});

describe('a file that is none of ours', () => {
  test('that is no database is STORE_CORRUPT, says what to do and stays as it is', async () => {
    const text = 'This is a letter to my grandmother. '.repeat(1000);
    await writeFile(file, text);
    assert.throws(() => open(), explains('STORE_CORRUPT'));
    assert.equal(await readFile(file, 'utf8'), text);
  });

  test('with damaged pages is STORE_CORRUPT when they are met, and no crash', async () => {
    const store = open();
    for (let version = 0; version < 20; version += 1) {
      await commit(store, account, version, [newEvent('Happened', 'x'.repeat(2000))]);
    }
    await store.close();
    const { size } = await stat(file);
    const handle = await openFile(file, 'r+');
    // All but the first page, which holds the header, and those of the schema that is read at start.
    const schemaPages = 20;
    await handle.write(Buffer.alloc(size - schemaPages * pageBytes, 0xa5), 0, undefined, schemaPages * pageBytes);
    await handle.close();
    const damaged = async () => collect(open().events.readAll());
    await assert.rejects(damaged(), explains('STORE_CORRUPT'));
  });

  test('of a newer schema is STORE_NEWER and stays as it is', async () => {
    await open().close();
    openRaw().exec('PRAGMA user_version = 99');
    assert.throws(() => open(), explains('STORE_NEWER'));
    assert.equal(openRaw().prepare('PRAGMA user_version').get()?.user_version, 99);
  });

  test('of another application is refused and stays as it is', async () => {
    openRaw().exec('CREATE TABLE recipes (name TEXT)');
    assert.throws(() => open(), explains('INVALID_CONFIGURATION'));
    assert.deepEqual(
      openRaw()
        .prepare('SELECT name FROM sqlite_schema')
        .all()
        .map(({ name }) => name),
      ['recipes'],
    );
  });

  test('that is a directory, or lies below a file, is one clear error', async () => {
    await mkdir(file);
    assert.throws(() => open(), explains('STORE_UNAVAILABLE'));
    const letter = join(directory, 'letter');
    await writeFile(letter, '');
    assert.throws(() => open({ file: join(letter, 'store.db') }), explains('STORE_UNAVAILABLE'));
  });
});

describe('the file', () => {
  test('is made with its directory, and is whole without its WAL after close', async () => {
    file = join(directory, 'a', 'b', 'statewright.db');
    const store = open();
    await commit(store, account, 'none');
    assert.equal((await stat(`${file}-wal`)).isFile(), true);
    await store.close();
    await assert.rejects(stat(`${file}-wal`), { code: 'ENOENT' });
    assert.equal(await open().events.head(), 1);
  });

  test('shows the history in plain words to anybody with SQLite, in WAL mode', async () => {
    const event = newEvent('Happened', { amount: 1 }, { userId: 'ada' });
    const { recordedAt } = await commit(open(), account, 'none', [event]);
    const db = openRaw();
    assert.equal(db.prepare('PRAGMA journal_mode').get()?.journal_mode, 'wal');
    assert.equal(db.prepare('PRAGMA integrity_check').get()?.integrity_check, 'ok');
    assert.deepEqual(
      { ...db.prepare('SELECT * FROM log').get() },
      {
        position: 1,
        stream_type: 'Account',
        stream_id: 'a',
        version: 1,
        type: 'Happened',
        id: event.id,
        data: '{"amount":1}',
        occurred_at: event.meta.occurredAt,
        command_id: event.meta.commandId,
        correlation_id: event.meta.correlationId,
        causation_id: event.meta.causationId,
        user_id: 'ada',
        source: 'conformance',
        schema: 1,
        recorded_at: recordedAt,
      },
    );
  });
});

test('the sqlite3 command, where it is installed, reads the history of an open store', async ({ skip }) => {
  await commit(open(), account, 'none', [newEvent('Happened', { by: 'Ada' })]);
  const sql = `SELECT position, stream_id, type, data ->> 'by' AS by FROM log`;
  const { error, stdout } = spawnSync('sqlite3', ['-json', file, sql], { encoding: 'utf8' });
  if (error) skip('no sqlite3 here');
  assert.deepEqual(JSON.parse(stdout), [{ position: 1, stream_id: 'a', type: 'Happened', by: 'Ada' }]);
});

/** An error of ours with one of these codes that says what was found and what to do. */
function explains(...codes: readonly ErrorCode[]) {
  return (error: unknown) =>
    isFailure(error, ...codes) && error.explanation.found !== undefined && error.explanation.remedy !== undefined;
}
