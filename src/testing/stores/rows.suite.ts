import assert from 'node:assert/strict';
import { newEvent, oddTexts, withCode } from '../store-fixtures.ts';
import type { StoreCase } from '../store-subject.ts';
import { takeOver } from './checkpoints.suite.ts';
import { idsOf, newRow, newRows, openModel } from './read-model-rows.ts';

export const rowCases: readonly StoreCase[] = [
  {
    name: 'rows come back as they were written: values, indexes, totals, faults',
    async run(context) {
      const { store, name, generation, commit } = await openModel(context);
      const rows = [
        newRow('plain', { value: { n: 1, list: [null, '', { deep: 2 ** 53 - 1 }] }, search: 'ada lovelace' }),
        newRow('empty', { value: null, order: '' }),
        newRow('full', { index: { by: 'x', of: '' }, totals: { spent: -5, half: 0.5, none: 0 } }),
        newRow('faulty', { faulty: { position: 7, cause: 'TypeError: „Ω“' } }),
        newRow('text', { value: 'nul \u0000 🦉', order: '🦉' }),
      ];
      await commit({ upserts: rows });
      for (const row of rows) assert.deepEqual(await store.readModels.get(name, row.id), row);
      const loaded = await generation.load(['full', 'unknown', 'plain']);
      assert.deepEqual(
        new Map(loaded),
        new Map([
          ['full', rows[2]],
          ['plain', rows[0]],
        ]),
      );
      assert.equal((await generation.load([])).size, 0);
      assert.equal(await store.readModels.get(name, 'unknown'), undefined);
    },
  },
  {
    name: 'rows, totals and checkpoint land together, and each commit replaces what it names',
    async run(context) {
      const { store, name, generation, fence } = await openModel(context);
      assert.deepEqual(await generation.checkpoint(), { position: 0 });
      const checkpoint = { position: 5, eventId: newEvent().id };
      const [a, b, c] = newRows(3, (at) => ({ totals: { n: at + 1 } }));
      assert.ok(a && b && c);
      await generation.commit({ upserts: [a, b], deletes: [], checkpoint, fence });
      assert.deepEqual(await generation.checkpoint(), checkpoint);
      const changed = { ...a, value: 'changed', totals: { n: 10 } };
      const next = { position: 6, eventId: newEvent().id };
      await generation.commit({ upserts: [changed, c], deletes: [b.id, 'unknown'], checkpoint: next, fence });
      assert.deepEqual(await generation.checkpoint(), next);
      assert.deepEqual((await store.readModels.page(name, { limit: 10 })).rows, [changed, c]);
      assert.deepEqual(await store.readModels.totals(name), { n: 13 });
    },
  },
  {
    name: 'a commit without rows moves the checkpoint',
    async run(context) {
      const { generation, commit } = await openModel(context);
      await commit({ checkpoint: { position: 2 ** 40 } });
      assert.deepEqual(await generation.checkpoint(), { position: 2 ** 40 });
    },
  },
  {
    name: 'is fenced by the lease: who lost it writes neither rows, totals nor checkpoint',
    async run(context) {
      const { store, name, generation, fence, commit } = await openModel(context);
      await commit({ upserts: [newRow('a', { totals: { n: 1 } })] });
      await takeOver(await context.second(), fence.lease, 'another');
      const late = {
        upserts: [newRow('a', { totals: { n: 9 } }), newRow('b')],
        deletes: ['a'],
        checkpoint: { position: 9 },
      };
      await assert.rejects(commit(late), withCode('FENCED'));
      assert.deepEqual(idsOf((await store.readModels.page(name, { limit: 10 })).rows), ['a']);
      assert.deepEqual(await store.readModels.totals(name), { n: 1 });
      assert.deepEqual(await generation.checkpoint(), { position: 1 });
      const shape = { name, hash: 'hash' };
      await assert.rejects(store.readModels.open(shape, fence), withCode('FENCED'));
      await assert.rejects(store.readModels.begin(shape, fence), withCode('FENCED'));
      await assert.rejects(store.readModels.swap(name, generation.number, fence), withCode('FENCED'));
    },
  },
  {
    name: 'a commit that cannot be written whole writes none of it',
    async run(context) {
      const { store, name, generation, commit } = await openModel(context);
      await commit({ upserts: [newRow('a', { totals: { n: 1 } })] });
      const broken = Object.assign(newRow('z').value ?? {}, { toJSON: () => assert.fail('cannot be written as JSON') });
      const upserts = [newRow('a', { totals: { n: 9 } }), newRow('b'), { ...newRow('z'), value: broken }];
      await assert.rejects(commit({ upserts, deletes: ['a'] }));
      assert.deepEqual(idsOf((await store.readModels.page(name, { limit: 10 })).rows), ['a']);
      assert.deepEqual(await store.readModels.totals(name), { n: 1 });
      assert.deepEqual(await generation.checkpoint(), { position: 1 });
    },
  },
  {
    name: 'rows written on one instance are read on another',
    needs: ['shared'],
    async run(context) {
      const { name, commit } = await openModel(context);
      const other = await context.second();
      await commit({ upserts: newRows(3, () => ({ totals: { n: 1 } })) });
      assert.equal((await other.readModels.page(name, { limit: 10 })).rows.length, 3);
      assert.deepEqual(await other.readModels.totals(name), { n: 3 });
    },
  },
  {
    name: 'odd ids, orders and index values neither collide nor inject',
    async run(context) {
      const { store, name, commit, all } = await openModel(context);
      const rows = oddTexts.map((odd) => newRow(odd, { order: odd, index: { [odd]: odd }, totals: { [odd]: 1 } }));
      await commit({ upserts: rows });
      for (const row of rows) {
        assert.deepEqual(await store.readModels.get(name, row.id), row);
        assert.deepEqual(await all({ where: { index: row.id, value: row.id } }), [row]);
      }
      assert.deepEqual(idsOf(await all()).sort(), oddTexts.toSorted());
      assert.deepEqual(
        Object.entries(await store.readModels.totals(name)).sort(),
        oddTexts.map((odd) => [odd, 1]).sort(),
      );
      await commit({ deletes: oddTexts.slice(1) });
      assert.deepEqual(idsOf(await all()), oddTexts.slice(0, 1));
    },
  },
  {
    name: 'what a reader or the writer changes afterwards does not change the rows',
    async run(context) {
      const { store, name, commit } = await openModel(context);
      const value = { list: [1] };
      const totals = { n: 1 };
      await commit({ upserts: [newRow('a', { value, totals })] });
      value.list.push(2);
      totals.n = 5;
      assert.deepEqual(await store.readModels.get(name, 'a'), newRow('a', { value: { list: [1] }, totals: { n: 1 } }));
      await commit({ upserts: [newRow('a', { totals: { n: 3 } })] });
      assert.deepEqual(await store.readModels.totals(name), { n: 3 });
    },
  },
  {
    name: 'faulty rows are counted, the first of them told, and none once they are mended',
    async run(context) {
      const { store, name, commit } = await openModel(context);
      const faulty = { position: 3, cause: 'TypeError' };
      await commit({ upserts: newRows(10, (at) => (at % 2 ? { faulty } : {})) });
      const { count, rows } = await store.readModels.faulty(name, 3);
      assert.deepEqual([count, idsOf(rows)], [5, ['row-000001', 'row-000003', 'row-000005']]);
      assert.deepEqual(rows[0]?.faulty, faulty);
      await commit({ upserts: newRows(4), deletes: ['row-000005'] });
      assert.equal((await store.readModels.faulty(name, 3)).count, 2);
    },
  },
  {
    name: 'a row and its order read nothing of another read model',
    async run(context) {
      const [one, other] = [await openModel(context), await openModel(context)];
      await one.commit({ upserts: [newRow('a', { totals: { n: 1 } })] });
      assert.equal(await other.store.readModels.get(other.name, 'a'), undefined);
      assert.deepEqual(await other.all(), []);
      assert.equal((await other.store.readModels.totals(other.name)).n ?? 0, 0);
    },
  },
  {
    name: 'a read model that never was opened has no status and no rows',
    async run({ store, name }) {
      const unknown = name('unknown');
      assert.equal(await store.readModels.status(unknown), undefined);
      assert.equal(await store.readModels.get(unknown, 'a'), undefined);
      assert.deepEqual(await store.readModels.page(unknown, { limit: 10 }), { rows: [] });
      assert.deepEqual(await store.readModels.search(unknown, 'a', 10), []);
      assert.deepEqual(await store.readModels.totals(unknown), {});
      assert.deepEqual(await store.readModels.faulty(unknown, 10), { count: 0, rows: [] });
    },
  },
];
