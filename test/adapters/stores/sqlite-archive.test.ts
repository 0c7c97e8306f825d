import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, test } from 'vitest';
import { sqliteStore } from '../../../src/adapters/stores/sqlite/sqlite.ts';
import type { Store } from '../../../src/ports/store.ts';
import { collect, commit, newEvents, withCode } from '../../../src/testing/store-fixtures.ts';

let directory: string;
let file: string;
let store: Store | undefined;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'statewright-archive-'));
  file = join(directory, 'statewright.db');
});

afterEach(async () => {
  await store?.close();
  await rm(directory, { recursive: true });
});

/** Twenty streams of a hundred events, which lie between each other's in the file. */
async function filled(): Promise<Store> {
  store = sqliteStore({ file });
  for (let round = 0; round < 10; round += 1) {
    for (let id = 0; id < 20; id += 1) {
      const data = { itemName: 'A pen', trackingUrl: `https://post.example/${id}` };
      await commit(store, stream(id), 'any', newEvents(10, 'Happened', data));
    }
  }
  return store;
}

const stream = (id: number) => ({ type: 'Account', id: String(id) });

async function archiveAll({ events }: Store): Promise<void> {
  for (let id = 0; id < 20; id += 1) {
    assert.equal(await events.archive(stream(id), await events.streamHead(stream(id))), true);
  }
}

/** Pages that hold something. */
function usedPages(): number {
  const db = new DatabaseSync(file, { readOnly: true });
  const pragma = (name: string) => Number(Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
  const used = pragma('page_count') - pragma('freelist_count');
  db.close();
  return used;
}

/** As an operator with the command line tool of SQLite. */
function change(sql: string): void {
  const db = new DatabaseSync(file);
  db.exec(sql);
  db.close();
}

test('an archive frees room in the file for what comes', async () => {
  const full = await filled();
  const { events } = full;
  const log = await collect(events.readAll());
  const before = usedPages();
  await archiveAll(full);
  const after = usedPages();
  assert.ok(after < before * 0.75, `${after} pages of ${before}`);
  assert.deepEqual(await collect(events.readAll()), log);
});

test('a file of the schema before archives is brought to today’s, and its streams are archived', async () => {
  const log = await collect((await filled()).events.readAll());
  await store?.close();
  change('DROP TABLE archives; PRAGMA user_version = 1');
  store = sqliteStore({ file });
  await archiveAll(store);
  assert.deepEqual(await collect(store.events.readAll()), log);
});

test.each([
  ['lost', 'DELETE FROM archives'],
  ['damaged', "UPDATE archives SET payload = x'00'"],
  ['cut', 'UPDATE archives SET last = last - 1'],
])('an archive that was %s is told as what it is; other reads go on', async (_, sql) => {
  const { events } = await filled();
  await events.archive(stream(3), await events.streamHead(stream(3)));
  change(sql);
  await assert.rejects(collect(events.readStream(stream(3))), withCode('STORE_CORRUPT'));
  assert.equal((await collect(events.readStream(stream(4)))).length, 100);
});
