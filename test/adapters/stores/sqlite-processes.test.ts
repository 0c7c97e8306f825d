import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sqliteStore } from '../../../src/adapters/stores/sqlite/sqlite.ts';
import type { Store } from '../../../src/ports/store.ts';
import { append, collect, commit, newCommand, newEvent, withCode } from '../../../src/testing/store-fixtures.ts';
import { newRow } from '../../../src/testing/stores/read-model-rows.ts';

const storeModule = new URL('../../../src/adapters/stores/sqlite/sqlite.ts', import.meta.url).href;
const fixturesModule = new URL('../../../src/testing/store-fixtures.ts', import.meta.url).href;
const account = { type: 'Account', id: 'shared' };

let directory: string;
let file: string;
const opened: (Store | DatabaseSync)[] = [];

function open(patienceMs = 5000): Store {
  const store = sqliteStore({ file, patienceMs });
  opened.push(store);
  return store;
}

/** Another process in the middle of a write: it holds the lock until it rolls back. */
function lock(): DatabaseSync {
  const db = new DatabaseSync(file);
  opened.push(db);
  db.exec('BEGIN IMMEDIATE');
  return db;
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'statewright-sqlite-'));
  file = join(directory, 'statewright.db');
});

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
  await rm(directory, { recursive: true });
});

test('four processes make one file at once and race on one stream: no gap, no repeat, nothing lost', async () => {
  const appends = 100;
  const script = `
    const { sqliteStore } = await import('${storeModule}');
    const { append, newEvent } = await import('${fixturesModule}');
    const store = sqliteStore({ file: ${JSON.stringify(file)} });
    const stream = ${JSON.stringify(account)};
    let conflicts = 0;
    for (let done = 0; done < ${appends}; ) {
      const { version } = await store.events.streamHead(stream);
      const { kind } = await append(store, stream, version, [newEvent('By' + process.pid), newEvent('By' + process.pid)]);
      if (kind === 'committed') done += 1;
      else conflicts += 1;
    }
    await store.close();
    console.log(conflicts);
  `;
  const run = () => promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
  await Promise.all(Array.from({ length: 4 }, run));
  const log = await collect(open().events.readAll());
  const dense = Array.from({ length: 4 * appends * 2 }, (_, at) => at + 1);
  assert.deepEqual(
    log.map(({ position }) => position),
    dense,
  );
  assert.deepEqual(
    log.map(({ version }) => version),
    dense,
  );
  const times = log.map(({ recordedAt }) => recordedAt);
  assert.deepEqual(times, times.toSorted());
  // Both events of an append by one process stand side by side.
  for (let at = 0; at < log.length; at += 2) assert.equal(log[at]?.type, log[at + 1]?.type);
  const byProcess = Map.groupBy(log, ({ type }) => type);
  assert.deepEqual(
    [...byProcess.values()].map(({ length }) => length),
    [appends * 2, appends * 2, appends * 2, appends * 2],
  );
});

test('a file locked beyond patience is STORE_UNAVAILABLE, nothing is stored, and the same append passes later', async () => {
  const store = open(30);
  await commit(store, account, 'none');
  const blocker = lock();
  const entry = [[newEvent()], { command: newCommand() }] as const;
  await assert.rejects(append(store, account, 1, ...entry), withCode('STORE_UNAVAILABLE'));
  assert.equal(await store.events.head(), 1);
  blocker.exec('ROLLBACK');
  assert.equal((await append(store, account, 1, ...entry)).kind, 'committed');
  assert.equal((await append(store, account, 1, ...entry)).kind, 'duplicate');
});

test('while another process writes, an append waits without stopping the event loop, and reads go on', async () => {
  const store = open();
  await commit(store, account, 'none');
  const blocker = lock();
  let isSettled = false;
  const waiting = append(store, account, 1).finally(() => {
    isSettled = true;
  });
  for (let turn = 0; turn < 100; turn += 1) await nextTurn();
  assert.equal((await collect(store.events.readStream(account))).length, 1);
  assert.equal(isSettled, false);
  blocker.exec('ROLLBACK');
  assert.equal((await waiting).kind, 'committed');
});

test('closing waits for an append that waits for another process', async () => {
  const store = open();
  const blocker = lock();
  const waiting = append(store, account, 'none');
  const closing = store.close();
  blocker.exec('ROLLBACK');
  assert.equal((await waiting).kind, 'committed');
  await closing;
  await assert.rejects(append(store, account, 1), withCode('STORE_CLOSED'));
});

test('what a process was deleting of a dropped generation when it died, the next one deletes', async () => {
  const store = open();
  const fence = { lease: 'rows', token: 0 };
  const generation = await store.readModels.open({ name: 'rows', hash: 'hash' }, fence);
  const upserts = Array.from({ length: 1000 }, (_, at) => newRow(`row-${at}`, { index: { kind: 'odd' } }));
  await generation.commit({ upserts, deletes: [], checkpoint: { position: 1 }, fence });
  await store.close();
  const db = new DatabaseSync(file);
  opened.push(db);
  db.exec(`UPDATE generations SET state = 'dropped'`);
  open();
  const left = db.prepare(`SELECT (SELECT count(*) FROM read_model_rows) + (SELECT count(*) FROM read_model_index)
    + (SELECT count(*) FROM generations) AS count`);
  await expect.poll(() => left.get()?.count).toBe(0);
});

test('an event type that another process added is known to a reader that was open before', async () => {
  const [reader, writer] = [open(), open()];
  await commit(writer, account, 'none', [newEvent('First')]);
  assert.equal((await collect(reader.events.readAll({ pattern: 'Account.*' }))).length, 1);
  await commit(writer, account, 1, [newEvent('Second')]);
  const types = async (filter: Parameters<Store['events']['readAll']>[0]) =>
    (await collect(reader.events.readAll(filter))).map(({ type }) => type);
  assert.deepEqual(await types({ pattern: 'Account.*' }), ['First', 'Second']);
  assert.deepEqual(await types({ types: ['Second'] }), ['Second']);
  assert.deepEqual(await types({}), ['First', 'Second']);
});
