import type { ReadModelGeneration, Row } from '../../src/ports/read-model.ts';
import type { Store } from '../../src/ports/store.ts';

const name = 'users';
const fence = { lease: 'bench', token: 1 };
const batch = 1_000;

export interface Cost {
  readonly name: string;
  readonly smallMs: number;
  readonly largeMs: number;
}

export interface ReadModelSizes {
  freshStore(): Store | Promise<Store>;
  /** How many rows the small one has, and the large one. */
  readonly sizes: readonly [number, number];
}

/** What a page, a look-up, a search and the statistics cost with few rows and with many. */
export async function readModelCosts({ freshStore, sizes }: ReadModelSizes): Promise<readonly Cost[]> {
  const small = await filled(await freshStore(), sizes[0]);
  const large = await filled(await freshStore(), sizes[1]);
  const costs: Cost[] = [];
  for (const [question, ask] of questions) {
    // By turns, so that both meet the same noise.
    const smallMs: number[] = [];
    const largeMs: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      smallMs.push(await usualMs(() => ask(small.store, small.rows)));
      largeMs.push(await usualMs(() => ask(large.store, large.rows)));
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
  // Of what many rows hold: it ends when it has a page of them.
  ['a search', ({ readModels }) => readModels.search(name, 'lovelace', 20)],
  ['the statistics', ({ readModels }) => readModels.totals(name)],
];

async function filled(store: Store, rows: number): Promise<{ readonly store: Store; readonly rows: number }> {
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

/** The median of 200 times, or of as many as a second has room for, three at least: some servers look through all rows. */
async function usualMs(task: () => Promise<unknown>): Promise<number> {
  const took: number[] = [];
  const startedMs = performance.now();
  while (took.length < 200 && (took.length < 3 || performance.now() - startedMs < 1_000)) {
    const beganMs = performance.now();
    await task();
    took.push(performance.now() - beganMs);
  }
  return took.sort((a, b) => a - b)[Math.floor(took.length / 2)] ?? Number.NaN;
}
