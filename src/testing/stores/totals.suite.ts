import assert from 'node:assert/strict';
import type { Row } from '../../ports/read-model.ts';
import { createRandom } from '../random.ts';
import type { StoreCase } from '../store-subject.ts';
import { newRow, openModel } from './read-model-rows.ts';

export const totalsCases: readonly StoreCase[] = [
  {
    name: 'totals are kept by difference when rows change and go',
    async run(context) {
      const { store, name, commit } = await openModel(context);
      const totals = async () => nonZero(await store.readModels.totals(name));
      await commit({
        upserts: [newRow('a', { totals: { spent: 5, count: 1 } }), newRow('b', { totals: { spent: 7 } })],
      });
      assert.deepEqual(await totals(), { spent: 12, count: 1 });
      await commit({ upserts: [newRow('a', { totals: { spent: 3, other: 2 } })] });
      assert.deepEqual(await totals(), { spent: 10, other: 2 });
      await commit({ deletes: ['a', 'b'] });
      assert.deepEqual(await totals(), {});
    },
  },
  {
    name: 'a row written twice, or written and deleted again and again, counts once or not at all',
    async run(context) {
      const { store, name, commit } = await openModel(context);
      const row = newRow('a', { totals: { n: 1 } });
      for (let round = 0; round < 5; round += 1) {
        await commit({ upserts: [row] });
        await commit({ upserts: [row] });
        assert.deepEqual(await store.readModels.totals(name), { n: 1 });
        await commit({ deletes: ['a'] });
        assert.deepEqual(nonZero(await store.readModels.totals(name)), {});
      }
    },
  },
  {
    name: 'totals equal the sum over the rows, exactly, after any sequence of changes (20 seeds)',
    async run(context) {
      for (let seed = 1; seed <= 20; seed += 1) {
        const random = createRandom(seed);
        const { store, name, commit, all } = await openModel(context);
        for (let round = 0; round < 15; round += 1) {
          const ids = Array.from({ length: random.below(8) }, () => `row ${random.below(12)}`);
          const [upserts, deletes] = [ids.filter((_, at) => at % 3 > 0), ids.filter((_, at) => at % 3 === 0)];
          await commit({
            upserts: [...new Set(upserts)].filter((id) => !deletes.includes(id)).map((id) => anyRow(id, random.below)),
            deletes: [...new Set(deletes)],
          });
          assert.deepEqual(
            nonZero(await store.readModels.totals(name)),
            sum(await all()),
            `seed ${seed}, round ${round}`,
          );
        }
      }
    },
  },
];

function anyRow(id: string, below: (limit: number) => number): Row {
  const names = ['spent', 'orders', 'active'].slice(below(4));
  return newRow(id, { totals: Object.fromEntries(names.map((name) => [name, below(2_000_001) - 1_000_000])) });
}

function sum(rows: readonly Row[]): Readonly<Record<string, number>> {
  const totals: Record<string, number> = {};
  for (const row of rows) {
    for (const [name, amount] of Object.entries(row.totals)) totals[name] = (totals[name] ?? 0) + amount;
  }
  return nonZero(totals);
}

/** A total that came back to zero may be told as 0 or left out. */
function nonZero(totals: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(totals)
      .filter(([, amount]) => amount !== 0)
      .sort(),
  );
}
