import { sqliteStore } from '../../src/adapters/stores/sqlite/sqlite.ts';
import type { ReadModelGeneration, Row } from '../../src/ports/read-model.ts';
import type { Store } from '../../src/ports/store.ts';
import { median } from './report.ts';

const name = 'users';
const fence = { lease: 'bench', token: 1 };
const batch = 1_000;

export interface Cost {
  readonly name: string;
  readonly smallMs: number;
  readonly largeMs: number;
}

/** What a page, a look-up and the statistics cost on SQLite with 10,000 rows and with 1,000,000. */
export async function readModelCosts(freshFile: () => string): Promise<readonly Cost[]> {
  const small = await filled(freshFile(), 10_000);
  const large = await filled(freshFile(), 1_000_000);
  const costs: Cost[] = [];
  for (const [question, ask] of questions) {
    // By turns, so that both meet the same noise.
    const smallMs: number[] = [];
    const largeMs: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      smallMs.push(await median(200, () => timed(() => ask(small.store, small.rows))));
      largeMs.push(await median(200, () => timed(() => ask(large.store, large.rows))));
    }
    costs.push({ name: question, smallMs: Math.min(...smallMs), largeMs: Math.min(...largeMs) });
  }
  await Promise.all([small.store.close(), large.store.close()]);
  return costs;
}

const questions: readonly (readonly [string, (store: Store, rows: number) => Promise<unknown>])[] = [
  ['a look-up', ({ readModels }, rows) => readModels.get(name, idOf(anyOf(rows)))],
  ['the first page', ({ readModels }) => readModels.page(name, { limit: 20 })],
  [
    'a page by index',
    ({ readModels }, rows) =>
      readModels.page(name, { limit: 20, where: { index: 'city', value: cityOf(anyOf(rows)) } }),
  ],
  ['the statistics', ({ readModels }) => readModels.totals(name)],
];

async function filled(file: string, rows: number): Promise<{ readonly store: Store; readonly rows: number }> {
  const store = sqliteStore({ file });
  await store.leases.take(fence.lease, 'bench', await store.leases.read(fence.lease));
  const generation: ReadModelGeneration = await store.readModels.open({ name, hash: 'h' }, fence);
  for (let first = 0; first < rows; first += batch) {
    const upserts = Array.from({ length: batch }, (_, n) => rowOf(first + n));
    await generation.commit({ upserts, deletes: [], checkpoint: { position: first + batch }, fence });
  }
  return { store, rows };
}

function rowOf(n: number): Row {
  const value = {
    id: idOf(n),
    email: `user-${n}@example.org`,
    fullName: `Ada Lovelace ${n}`,
    isActive: true,
    totalOrders: 1,
    totalSpent: n,
  };
  return {
    id: idOf(n),
    value,
    order: String(n).padStart(12, '0'),
    index: { city: cityOf(n) },
    search: `user-${n}@example.org ada lovelace ${n}`,
    totals: { total: 1, active: 1, totalSpent: n },
  };
}

const idOf = (n: number) => `user-${n}`;
/** Twenty rows each, however many rows there are. */
const cityOf = (n: number) => `city-${Math.floor(n / 20)}`;
let drawn = 0;
function anyOf(rows: number): number {
  drawn += 7_919;
  return drawn % rows;
}

async function timed(task: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await task();
  return performance.now() - startedMs;
}
