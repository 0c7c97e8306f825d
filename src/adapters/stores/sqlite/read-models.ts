import type { Fence } from '../../../ports/coordination.ts';
import type { ReadModelGeneration, ReadModelStore, Row } from '../../../ports/read-model.ts';
import type { PagePlace } from '../page-cursor.ts';
import type { Database } from './database.ts';
import { sqliteDroppedRows } from './dropped-rows.ts';
import { sqliteGenerations } from './generations.ts';
import { encodeRow } from './row-columns.ts';
import { beforeAll, type RowSlice, sqliteRows } from './rows.ts';

/** After how long a search lets others have their turn. */
const searchTurnMs = 3;

/** What happens when the process dies at any line of `commit` is in docs/decisions/0003. */
export function sqliteReadModels(db: Database, assertFence: (fence: Fence) => void): ReadModelStore {
  const generations = sqliteGenerations(db);
  const rows = sqliteRows(db);
  const dropped = sqliteDroppedRows(db);
  dropped.sweep();

  const asBuilder = (number: number): ReadModelGeneration => ({
    number,

    checkpoint: () => db.read(() => generations.checkpoint(number)),

    load: (ids) =>
      db.read(() => {
        const found = new Map<string, Row>();
        for (const id of ids) {
          const row = rows.load(number, id);
          if (row) found.set(id, row);
        }
        return found;
      }),

    async commit({ upserts, deletes, checkpoint, fence }) {
      db.assertOpen();
      const encoded = upserts.map(encodeRow);
      await db.write(() => {
        assertFence(fence);
        generations.save(number, checkpoint, rows.apply(number, encoded, deletes));
      });
    },
  });

  /** Changes the generations under the fence, then deletes the rows of what this dropped. */
  const fenced = async <Result>(fence: Fence, work: () => Result): Promise<Result> => {
    const result = await db.write(() => {
      assertFence(fence);
      return work();
    });
    dropped.sweep();
    return result;
  };

  /** One turn's search: slice by slice until enough is found or the time is up. */
  const searchTurn = (generation: number, text: string, from: PagePlace, limit: number): RowSlice => {
    const found: Row[] = [];
    const deadline = performance.now() + searchTurnMs;
    for (let after = from; ; ) {
      const slice = rows.search(generation, text, after, limit - found.length);
      found.push(...slice.rows);
      if (!slice.next || found.length >= limit) return { rows: found };
      after = slice.next;
      if (performance.now() > deadline) return { rows: found, next: after };
    }
  };

  /** Everything that one generation has; undefined when it is no longer the live one. */
  const searchGeneration = async (name: string, generation: number, text: string, limit: number) => {
    const found: Row[] = [];
    for (let after = beforeAll; ; await db.pause()) {
      const turn = await db.read(() =>
        generations.live(name) === generation ? searchTurn(generation, text, after, limit - found.length) : undefined,
      );
      if (!turn) return undefined;
      found.push(...turn.rows);
      if (!turn.next) return found;
      after = turn.next;
    }
  };

  return {
    open: async (shape, fence) => asBuilder(await fenced(fence, () => generations.open(shape))),

    begin: async (shape, fence) => asBuilder(await fenced(fence, () => generations.begin(shape))),

    swap: (name, number, fence) => fenced(fence, () => generations.swap(name, number)),

    status: (name) => db.read(() => generations.status(name)),

    get: (name, id) => db.read(() => rows.get(name, id)),

    page: (name, query) => db.read(() => rows.page(name, query)),

    async search(name, text, limit) {
      for (;;) {
        const generation = await db.read(() => generations.live(name));
        if (generation === undefined || limit <= 0) return [];
        const found = await searchGeneration(name, generation, text, limit);
        // When generations were swapped meanwhile, rows of the old one may be gone already: from the start.
        if (found) return found;
      }
    },

    totals: (name) => db.read(() => generations.totals(name)),

    faulty: (name, limit) => db.read(() => rows.faulty(name, limit)),
  };
}
