import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, test } from 'vitest';
import { sqliteStore } from '../../../src/adapters/stores/sqlite/sqlite.ts';
import type { Store } from '../../../src/ports/store.ts';
import { withCode } from '../../../src/testing/store-fixtures.ts';
import { newRow, newRows } from '../../../src/testing/stores/read-model-rows.ts';
import { adapter } from './sqlite.subject.ts';

const rows = 5000;
const name = 'users';
const fence = { lease: 'rows', token: 1 };

describe('sqlite: dropped generations', () => {
  let file: string;
  let store: Store;
  let reader: DatabaseSync;

  const left = () =>
    Number(
      reader
        .prepare(`SELECT (SELECT count(*) FROM read_model_rows) + (SELECT count(*) FROM read_model_index)
          + (SELECT count(*) FROM generations) AS n`)
        .get()?.n,
    );
  const emptied = async () => {
    while (left() > 3) await new Promise(setImmediate);
  };

  /** A generation of many rows, and another of one row in its place. */
  const buildAndSwap = async () => {
    const { readModels } = store;
    const old = await readModels.open({ name, hash: 'old' }, fence);
    const upserts = newRows(rows, (at) => ({ index: { owner: String(at % 10) } }));
    await old.commit({ upserts, deletes: [], checkpoint: { position: 1 }, fence });
    const next = await readModels.begin({ name, hash: 'new' }, fence);
    const one = newRow('one', { index: { owner: 'ada' } });
    await next.commit({ upserts: [one], deletes: [], checkpoint: { position: 1 }, fence });
    await readModels.swap(name, next.number, fence);
  };

  beforeEach(async () => {
    file = await adapter.newLocation();
    store = sqliteStore({ file });
    reader = new DatabaseSync(file, { readOnly: true });
  });

  afterEach(async () => {
    reader.close();
    await store.close();
    await adapter.destroy(file);
  });

  test('their rows are deleted in the background, in small transactions, while others write', async () => {
    await buildAndSwap();
    const atSwap = left();
    assert.ok(atSwap > rows, 'the swap itself deletes little');
    await store.leases.take('other', 'writer', await store.leases.read('other'));
    assert.ok(left() > atSwap - 2000, 'a write comes between two slices');
    await emptied();
    assert.equal((await store.readModels.page(name, { limit: 10 })).rows.length, 1);
    assert.equal(
      (await store.readModels.page(name, { limit: 10, where: { index: 'owner', value: 'ada' } })).rows.length,
      1,
    );
  });

  test('a commit to a generation that is gone is refused, and rolled back: no row is left that nobody would delete', async () => {
    const late = await store.readModels.open({ name, hash: 'old' }, fence);
    await buildAndSwap();
    await emptied();
    const before = left();
    const upserts = newRows(10, () => ({ index: { owner: 'ada' } }));
    await assert.rejects(
      late.commit({ upserts, deletes: [], checkpoint: { position: 2 }, fence }),
      withCode('NOT_FOUND'),
    );
    assert.equal(left(), before);
  });

  test('a search that a swap overtakes gives the rows of the new generation', async () => {
    const building = await store.readModels.open({ name, hash: 'old' }, fence);
    const upserts = newRows(20_000, () => ({ search: 'old ada'.padEnd(200, '.') }));
    await building.commit({ upserts, deletes: [], checkpoint: { position: 1 }, fence });
    const next = await store.readModels.begin({ name, hash: 'new' }, fence);
    await next.commit({
      upserts: [newRow('one', { search: 'new ada' })],
      deletes: [],
      checkpoint: { position: 1 },
      fence,
    });
    const searching = store.readModels.search(name, 'ada', 100_000);
    await store.readModels.swap(name, next.number, fence);
    assert.deepEqual(
      (await searching).map(({ id }) => id),
      ['one'],
    );
  });
});
