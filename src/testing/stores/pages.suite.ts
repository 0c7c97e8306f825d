import assert from 'node:assert/strict';
import { withCode } from '../store-fixtures.ts';
import type { StoreCase } from '../store-subject.ts';
import { allPages, idsOf, newRow, newRows, openModel, rowId } from './read-model-rows.ts';

export const pageCases: readonly StoreCase[] = [
  {
    name: 'pages go by order, then by id, and each row comes once',
    async run(context) {
      const { commit, all } = await openModel(context);
      const orders = ['b', 'a', 'c', 'a', 'b', '', 'a'];
      const rows = orders.map((order, at) => newRow(`id-${(at * 5) % 7}`, { order }));
      await commit({ upserts: rows });
      const expected = rows.toSorted((a, b) => `${a.order} ${a.id}`.localeCompare(`${b.order} ${b.id}`, 'en'));
      for (const limit of [1, 2, 3, 7, 10]) assert.deepEqual(idsOf(await all({}, limit)), idsOf(expected));
    },
  },
  {
    name: 'upper case orders before lower case, and digits before both, as their codes do',
    async run(context) {
      const { commit, all } = await openModel(context);
      const orders = ['b', 'B', 'a', 'A', '1', '10', '2', '-', '~', ' ', 'aa', 'aB', 'ab'];
      await commit({ upserts: orders.map((order) => newRow(`of ${order}`, { order })) });
      assert.deepEqual(
        (await all()).map(({ order }) => order),
        orders.toSorted(),
      );
    },
  },
  {
    name: 'the last page has no cursor, also when it is full, and no rows give an empty page',
    async run(context) {
      const { store, name, commit } = await openModel(context);
      assert.deepEqual(await store.readModels.page(name, { limit: 5 }), { rows: [] });
      await commit({ upserts: newRows(10) });
      const first = await store.readModels.page(name, { limit: 5 });
      assert.ok(first.nextCursor);
      const last = await store.readModels.page(name, { limit: 5, cursor: first.nextCursor });
      assert.deepEqual([last.rows.length, last.nextCursor], [5, undefined]);
      assert.equal((await store.readModels.page(name, { limit: 1000 })).nextCursor, undefined);
    },
  },
  {
    name: 'rows whose index has a value are paged in the same order',
    async run(context) {
      const { commit, all } = await openModel(context);
      const owners = ['ada', 'bob', 'ada ', 'adam'];
      await commit({
        upserts: newRows(40, (at) => ({ index: { owner: owners[at % 4] ?? '', parity: String(at % 2) } })),
      });
      const expected = Array.from({ length: 10 }, (_, at) => rowId(at * 4));
      assert.deepEqual(idsOf(await all({ where: { index: 'owner', value: 'ada' } }, 3)), expected);
      assert.equal((await all({ where: { index: 'parity', value: '1' } }, 3)).length, 20);
      assert.deepEqual(await all({ where: { index: 'owner', value: 'eve' } }), []);
      assert.deepEqual(await all({ where: { index: 'unknown', value: 'ada' } }), []);
    },
  },
  {
    name: 'a row that changes its index value is found by the new one only',
    async run(context) {
      const { commit, all } = await openModel(context);
      await commit({ upserts: [newRow('a', { index: { owner: 'ada', kind: 'x' } })] });
      await commit({ upserts: [newRow('a', { index: { owner: 'bob' } })] });
      const found = async (index: string, value: string) => (await all({ where: { index, value } })).length;
      assert.deepEqual([await found('owner', 'ada'), await found('owner', 'bob'), await found('kind', 'x')], [0, 1, 0]);
      await commit({ deletes: ['a'] });
      assert.equal(await found('owner', 'bob'), 0);
    },
  },
  {
    name: 'pages are stable while rows change: what stays comes once, though rows before and at the cursor come and go',
    async run(context) {
      const { store, name, commit } = await openModel(context);
      await commit({ upserts: newRows(60) });
      const seen: string[] = [];
      let cursor: string | undefined;
      for (let page = 0; ; page += 1) {
        const { rows, nextCursor } = await store.readModels.page(name, { limit: 10, ...(cursor && { cursor }) });
        seen.push(...idsOf(rows));
        const last = rows.at(-1)?.id ?? '';
        await commit({ upserts: [newRow(`row-000000-${page}`), newRow(rowId(59))], deletes: [last] });
        if (nextCursor === undefined) break;
        cursor = nextCursor;
      }
      assert.deepEqual(seen, idsOf(newRows(60)));
    },
  },
  {
    name: 'a row added behind the cursor comes in a later page',
    async run(context) {
      const { store, name, commit } = await openModel(context);
      await commit({ upserts: newRows(5) });
      const { nextCursor } = await store.readModels.page(name, { limit: 3 });
      assert.ok(nextCursor);
      await commit({ upserts: [newRow('row-000003-b')] });
      const { rows } = await store.readModels.page(name, { limit: 9, cursor: nextCursor });
      assert.deepEqual(idsOf(rows), ['row-000003', 'row-000003-b', 'row-000004']);
    },
  },
  {
    name: 'a malformed cursor is MALFORMED_REQUEST',
    async run(context) {
      const { store, name, commit } = await openModel(context);
      await commit({ upserts: newRows(3) });
      for (const cursor of ['nonsense', '', '{}', 'W10', 'WzEsMl0', '🦉', "'; DROP TABLE rows; --"]) {
        await assert.rejects(store.readModels.page(name, { limit: 1, cursor }), withCode('MALFORMED_REQUEST'), cursor);
      }
    },
  },
  {
    name: '100,000 rows page completely, by index too, and are searched to the last',
    large: true,
    async run(context) {
      const { store, name, commit } = await openModel(context);
      const rows = newRows(100_000, (at) => ({
        index: { group: String(at % 1000) },
        totals: { n: 1 },
        search: `user ${at}`,
      }));
      for (let at = 0; at < rows.length; at += 1000) await commit({ upserts: rows.slice(at, at + 1000) });
      const all = await allPages(store, name, { limit: 1000 });
      assert.equal(all.length, 100_000);
      assert.ok(all.every(({ id }, at) => id === rowId(at)));
      assert.deepEqual(await store.readModels.totals(name), { n: 100_000 });
      const where = { index: 'group', value: '77' };
      assert.equal((await allPages(store, name, { limit: 30, where })).length, 100);
      assert.deepEqual(idsOf(await store.readModels.search(name, 'user 99999', 5)), [rowId(99_999)]);
    },
  },
];
