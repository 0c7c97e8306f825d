import { setImmediate as nextTurn } from 'node:timers/promises';
import { failure } from '../../../kernel/errors.ts';
import type { Checkpoint, Fence } from '../../../ports/coordination.ts';
import type { ReadModelGeneration, ReadModelShape, ReadModelStore, Row } from '../../../ports/read-model.ts';
import type { PagePlace } from '../page-cursor.ts';
import { createRows, type Rows } from './rows.ts';

interface Generation {
  readonly number: number;
  readonly hash: string;
  readonly rows: Rows;
  checkpoint: Checkpoint;
  dropped: boolean;
}

interface ReadModel {
  live: Generation;
  building?: Generation | undefined;
  /** The last number given. */
  lastNumber: number;
}

/** How many rows a search looks at before others have their turn: well under a millisecond's work. */
const searchSlice = 2000;

export function memoryReadModels(assertFence: (fence: Fence) => void, assertOpen: () => void): ReadModelStore {
  const models = new Map<string, ReadModel>();
  const live = (name: string) => models.get(name)?.live;

  const begin = ({ name, hash }: ReadModelShape): Generation => {
    const model = models.get(name);
    if (!model) {
      const first = newGeneration(1, hash);
      models.set(name, { live: first, lastNumber: 1 });
      return first;
    }
    if (model.building) model.building.dropped = true;
    model.lastNumber += 1;
    model.building = newGeneration(model.lastNumber, hash);
    return model.building;
  };

  const asBuilder = (generation: Generation): ReadModelGeneration => ({
    number: generation.number,
    async checkpoint() {
      assertOpen();
      return generation.checkpoint;
    },
    async load(ids) {
      assertOpen();
      const rows = new Map<string, Row>();
      for (const id of ids) {
        const row = generation.rows.get(id);
        if (row) rows.set(id, row);
      }
      return rows;
    },
    async commit({ upserts, deletes, checkpoint, fence }) {
      assertOpen();
      assertFence(fence);
      if (generation.dropped) throw noGeneration(generation.number);
      generation.rows.apply({ upserts, deletes });
      generation.checkpoint = Object.freeze({ ...checkpoint });
    },
  });

  return {
    async open(shape, fence) {
      assertOpen();
      assertFence(fence);
      const model = models.get(shape.name);
      const known = [model?.live, model?.building].find((generation) => generation?.hash === shape.hash);
      return asBuilder(known ?? begin(shape));
    },

    async begin(shape, fence) {
      assertOpen();
      assertFence(fence);
      return asBuilder(begin(shape));
    },

    async swap(name, number, fence) {
      assertOpen();
      assertFence(fence);
      const model = models.get(name);
      if (model?.building?.number === number) {
        model.live.dropped = true;
        model.live = model.building;
      } else if (model?.live.number !== number) throw noGeneration(number);
      else if (model.building) model.building.dropped = true;
      model.building = undefined;
    },

    async status(name) {
      assertOpen();
      const model = models.get(name);
      if (!model) return undefined;
      return { live: statusOf(model.live), ...(model.building && { building: statusOf(model.building) }) };
    },

    async get(name, id) {
      assertOpen();
      return live(name)?.rows.get(id);
    },

    async page(name, query) {
      assertOpen();
      return live(name)?.rows.page(query) ?? { rows: [] };
    },

    async search(name, text, limit) {
      assertOpen();
      const rows = live(name)?.rows;
      const found: Row[] = [];
      let after: PagePlace | undefined;
      while (rows && found.length < limit) {
        const slice = rows.search(text, { ...(after && { after }), limit: limit - found.length, slice: searchSlice });
        found.push(...slice.rows);
        after = slice.next;
        if (!after) break;
        await nextTurn();
        assertOpen();
      }
      return found;
    },

    async totals(name) {
      assertOpen();
      return live(name)?.rows.totals() ?? {};
    },

    async faulty(name, limit) {
      assertOpen();
      return live(name)?.rows.faulty(limit) ?? { count: 0, rows: [] };
    },
  };
}

function newGeneration(number: number, hash: string): Generation {
  return { number, hash, rows: createRows(), checkpoint: Object.freeze({ position: 0 }), dropped: false };
}

const statusOf = ({ number, hash, checkpoint }: Generation) => ({ generation: number, hash, checkpoint });

function noGeneration(number: number) {
  return failure('NOT_FOUND', { expected: `generation ${number} of the read model`, found: 'that it was dropped' });
}
