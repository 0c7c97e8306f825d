import assert from 'node:assert/strict';
import type { StoreCase } from '../store-subject.ts';
import { idsOf, newRow, newRows, openModel } from './read-model-rows.ts';

export const generationCases: readonly StoreCase[] = [
  {
    name: 'the first generation of a read model is live at once, with position 0',
    async run(context) {
      const { store, name, generation } = await openModel(context, 'a');
      assert.deepEqual(await store.readModels.status(name), {
        live: { generation: generation.number, hash: 'a', checkpoint: { position: 0 } },
      });
    },
  },
  {
    name: 'opening again with the same hash continues with the live generation',
    async run(context) {
      const { store, name, generation, fence, commit } = await openModel(context, 'a');
      await commit({ upserts: newRows(3), checkpoint: { position: 4 } });
      const again = await store.readModels.open({ name, hash: 'a' }, fence);
      assert.deepEqual([again.number, await again.checkpoint()], [generation.number, { position: 4 }]);
      assert.equal((await again.load(['row-000001'])).size, 1);
    },
  },
  {
    name: 'another hash is a new generation, built while the old one answers, then swapped',
    async run(context) {
      const { store, name, generation, fence, commit } = await openModel(context, 'a');
      await commit({ upserts: newRows(3, () => ({ totals: { n: 1 }, search: 'old', index: { of: 'old' } })) });
      const next = await store.readModels.open({ name, hash: 'b' }, fence);
      assert.notEqual(next.number, generation.number);
      assert.deepEqual(await next.checkpoint(), { position: 0 });
      assert.equal((await next.load(['row-000000'])).size, 0);
      const rows = [newRow('new', { totals: { n: 10 }, search: 'new', faulty: { position: 1, cause: 'x' } })];
      await next.commit({ upserts: rows, deletes: [], checkpoint: { position: 9 }, fence });

      assert.deepEqual(idsOf((await store.readModels.page(name, { limit: 10 })).rows), idsOf(newRows(3)));
      assert.deepEqual(await store.readModels.totals(name), { n: 3 });
      assert.deepEqual(await store.readModels.search(name, 'new', 10), []);
      assert.equal((await store.readModels.faulty(name, 10)).count, 0);
      assert.deepEqual(await store.readModels.status(name), {
        live: { generation: generation.number, hash: 'a', checkpoint: { position: 1 } },
        building: { generation: next.number, hash: 'b', checkpoint: { position: 9 } },
      });

      await store.readModels.swap(name, next.number, fence);
      assert.deepEqual(await store.readModels.status(name), {
        live: { generation: next.number, hash: 'b', checkpoint: { position: 9 } },
      });
      assert.deepEqual((await store.readModels.page(name, { limit: 10 })).rows, rows);
      assert.deepEqual(await store.readModels.totals(name), { n: 10 });
      assert.deepEqual(await store.readModels.search(name, 'old', 10), []);
      assert.equal((await store.readModels.faulty(name, 10)).count, 1);
      assert.equal(await store.readModels.get(name, 'row-000000'), undefined);
    },
  },
  {
    name: 'both generations are written side by side, neither in the way of the other',
    async run(context) {
      const { store, name, fence, commit } = await openModel(context, 'a');
      const next = await store.readModels.begin({ name, hash: 'b' }, fence);
      const row = (n: number) => newRow('same', { value: n, totals: { n } });
      await commit({ upserts: [row(1)] });
      await next.commit({ upserts: [row(20)], deletes: [], checkpoint: { position: 1 }, fence });
      await commit({ upserts: [row(2)] });
      await next.commit({ upserts: [], deletes: ['same'], checkpoint: { position: 2 }, fence });
      assert.deepEqual(await store.readModels.get(name, 'same'), row(2));
      assert.deepEqual(await store.readModels.totals(name), { n: 2 });
    },
  },
  {
    name: 'a build that was interrupted is continued by who opens the same hash',
    async run(context) {
      const { store, name, fence } = await openModel(context, 'a');
      const building = await store.readModels.open({ name, hash: 'b' }, fence);
      await building.commit({ upserts: newRows(2), deletes: [], checkpoint: { position: 5 }, fence });
      const continued = await store.readModels.open({ name, hash: 'b' }, fence);
      assert.deepEqual([continued.number, await continued.checkpoint()], [building.number, { position: 5 }]);
    },
  },
  {
    name: 'a failed build leaves the old one, and another begins empty',
    async run(context) {
      const { store, name, generation, fence, commit } = await openModel(context, 'a');
      await commit({ upserts: newRows(3) });
      const failed = await store.readModels.open({ name, hash: 'b' }, fence);
      await failed.commit({ upserts: newRows(9), deletes: [], checkpoint: { position: 5 }, fence });
      const another = await store.readModels.open({ name, hash: 'c' }, fence);
      assert.notEqual(another.number, failed.number);
      assert.deepEqual(await another.checkpoint(), { position: 0 });
      assert.equal((await another.load(['row-000000'])).size, 0);
      const status = await store.readModels.status(name);
      assert.deepEqual([status?.live.generation, status?.building?.hash], [generation.number, 'c']);
      assert.equal((await store.readModels.page(name, { limit: 10 })).rows.length, 3);
    },
  },
  {
    name: 'a rebuild of the same hash begins empty beside the live one, and drops a rebuild before it',
    async run(context) {
      const { store, name, generation, fence, commit } = await openModel(context, 'a');
      await commit({ upserts: newRows(3) });
      const first = await store.readModels.begin({ name, hash: 'a' }, fence);
      await first.commit({ upserts: newRows(1), deletes: [], checkpoint: { position: 1 }, fence });
      const second = await store.readModels.begin({ name, hash: 'a' }, fence);
      assert.equal(new Set([generation.number, first.number, second.number]).size, 3);
      assert.deepEqual(await second.checkpoint(), { position: 0 });
      const late = { upserts: newRows(5), deletes: [], checkpoint: { position: 2 }, fence };
      await assert.rejects(first.commit(late), 'a dropped generation takes no rows');
      assert.equal((await store.readModels.open({ name, hash: 'a' }, fence)).number, generation.number);
      await second.commit({ upserts: newRows(2), deletes: [], checkpoint: { position: 3 }, fence });
      await store.readModels.swap(name, second.number, fence);
      assert.equal((await store.readModels.page(name, { limit: 10 })).rows.length, 2);
    },
  },
  {
    name: 'swapping again to what is live changes nothing; to what was dropped it fails',
    async run(context) {
      const { store, name, generation, fence } = await openModel(context, 'a');
      const next = await store.readModels.begin({ name, hash: 'b' }, fence);
      await store.readModels.swap(name, next.number, fence);
      await store.readModels.swap(name, next.number, fence);
      assert.equal((await store.readModels.status(name))?.live.generation, next.number);
      await assert.rejects(store.readModels.swap(name, generation.number, fence));
      assert.equal((await store.readModels.status(name))?.live.generation, next.number);
    },
  },
  {
    name: 'reads while generations are swapped see one of them whole',
    async run(context) {
      const { store, name, fence, commit } = await openModel(context, 'a');
      await commit({ upserts: newRows(20, () => ({ value: 1, totals: { n: 1 } })) });
      let building = true;
      const reading = (async () => {
        while (building) {
          const { rows } = await store.readModels.page(name, { limit: 100 });
          assert.equal(rows.length, 20);
          assert.equal(new Set(rows.map(({ value }) => value)).size, 1);
        }
      })();
      const build = async () => {
        for (let round = 2; round < 8; round += 1) {
          const next = await store.readModels.begin({ name, hash: `hash ${round}` }, fence);
          const rows = newRows(20, () => ({ value: round, totals: { n: round } }));
          await next.commit({ upserts: rows, deletes: [], checkpoint: { position: round }, fence });
          await store.readModels.swap(name, next.number, fence);
        }
      };
      await build().finally(() => {
        building = false;
      });
      await reading;
      assert.deepEqual(await store.readModels.totals(name), { n: 140 });
    },
  },
];
