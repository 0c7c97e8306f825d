import type { ReadModelGeneration, ReadModelStore, Row } from '../../../ports/read-model.ts';
import type { Database } from './database.ts';
import { postgresqlDroppedRows } from './dropped-rows.ts';
import { type OpenGeneration, postgresqlGenerations } from './generations.ts';
import { beforeAll, postgresqlRows } from './rows.ts';

/** What changes rows, totals and generations is in `read-model-functions.ts`. */
export function postgresqlReadModels(db: Database): ReadModelStore {
  const generations = postgresqlGenerations(db);
  const rows = postgresqlRows(db);
  const dropped = postgresqlDroppedRows(db);
  dropped.sweep();

  const asBuilder = ({ number, checkpoint }: OpenGeneration): ReadModelGeneration => {
    let known = checkpoint;
    return {
      number,

      async checkpoint() {
        known = await generations.checkpoint(number);
        return known;
      },

      load: (ids) => rows.load(number, ids),

      async commit(commit) {
        await rows.commit(number, known, commit);
        known = commit.checkpoint;
      },
    };
  };

  /** Then deletes the rows of what this dropped. */
  const sweeping = async <Result>(work: Promise<Result>): Promise<Result> => {
    const result = await work;
    dropped.sweep();
    return result;
  };

  /** Everything that one generation has; undefined when another became live meanwhile. */
  const searchGeneration = async (name: string, text: string, limit: number): Promise<readonly Row[] | undefined> => {
    const found: Row[] = [];
    let generation: number | undefined;
    for (let after = beforeAll; ; db.assertOpen()) {
      const slice = await rows.search(name, text, after, limit - found.length);
      if (after !== beforeAll && slice.generation !== generation) return undefined;
      found.push(...slice.rows);
      if (!slice.next || found.length >= limit) return found;
      generation = slice.generation;
      after = slice.next;
    }
  };

  return {
    open: async (shape, fence) => asBuilder(await sweeping(generations.open(shape, fence))),

    begin: async (shape, fence) => asBuilder(await sweeping(generations.begin(shape, fence))),

    swap: (name, number, fence) => sweeping(generations.swap(name, number, fence)),

    status: generations.status,

    get: rows.get,

    page: rows.page,

    async search(name, text, limit) {
      db.assertOpen();
      for (;;) {
        if (limit <= 0) return [];
        const found = await searchGeneration(name, text, limit);
        // When generations were swapped meanwhile, rows of the old one may be gone already: from the start.
        if (found) return found;
      }
    },

    totals: generations.totals,

    faulty: rows.faulty,
  };
}
