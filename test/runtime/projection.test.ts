import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memoryStore } from '../../src/adapters/stores/memory/memory.ts';
import { failure } from '../../src/kernel/errors.ts';
import type { RecordedEvent } from '../../src/kernel/message.ts';
import type { Row } from '../../src/ports/read-model.ts';
import type { Store } from '../../src/ports/store.ts';
import { defineProjection } from '../../src/runtime/define.ts';
import { foldBatch, keyedEvents } from '../../src/runtime/projection-fold.ts';
import { recorded } from '../../src/testing/bus-fixtures.ts';
import { assertFoldOfLog, tally } from '../../src/testing/subscriptions/tally.ts';
import { inWorld, type TestWorker, type World } from '../../src/testing/subscriptions/world.ts';

const stateOf = async (worker: TestWorker) => (await worker.projections.list())[0]?.state;
const generationOf = async (store: Store) => (await store.readModels.status('tally'))?.live.generation;

async function withStreams(world: World, streams: number): Promise<void> {
  for (let at = 0; at < streams; at += 1) await world.append({ type: 'Account', id: `a${at}` });
}

/** A store that is away for four tries of building a generation, after so many commits. */
function awayAfter(store: Store, commits: number): { readonly store: Store; readonly begun: () => number } {
  let begun = 0;
  let left = commits;
  const begin: Store['readModels']['begin'] = async (...given) => {
    begun += 1;
    const generation = await store.readModels.begin(...given);
    return {
      ...generation,
      async commit(change) {
        left -= 1;
        if (left < 0 && left >= -4) throw failure('STORE_UNAVAILABLE');
        await generation.commit(change);
      },
    };
  };
  return { store: { ...store, readModels: { ...store.readModels, begin } }, begun: () => begun };
}

describe('a rebuild', () => {
  it('goes on where it was when the store was away, and is done once', async () => {
    const { store, begun } = awayAfter(memoryStore(), 1);
    await inWorld(store, async (world) => {
      await withStreams(world, 1_200);
      const worker = world.worker({ projections: [tally('tally')] });
      await worker.start();
      await world.until(async () => (await stateOf(worker)) === 'live', 'it is live');
      await world.passing(worker.projections.rebuild('tally'));
      await world.clock.advance(30_000);
      expect(begun()).toBe(1);
      await assertFoldOfLog(store, 'tally');
    });
  });

  it('that cannot be built is told to whoever asked, on any worker; the old read model answers on', async () => {
    const store = memoryStore();
    await inWorld(store, async (world) => {
      let broken = false;
      const projections = [tally('tally', { failing: () => broken })];
      await withStreams(world, 1_100);
      const holder = world.worker({ projections });
      await holder.start();
      await world.until(async () => (await stateOf(holder)) === 'live', 'it is live');
      const other = world.worker({ projections });
      await other.start();
      const before = await generationOf(store);
      broken = true;
      for (const worker of [holder, other]) {
        await expect(world.passing(worker.projections.rebuild('tally'))).rejects.toMatchObject({
          code: 'HANDLER_FAILED',
        });
        expect(await stateOf(holder)).toBe('stopped');
      }
      expect(await generationOf(store)).toBe(before);
      await assertFoldOfLog(store, 'tally');
      broken = false;
      await world.passing(other.projections.rebuild('tally'));
      await world.append({ type: 'Account', id: 'a0' });
      await world.passing(other.projections.waitFor('tally', await store.events.head()));
      expect(await stateOf(holder)).toBe('live');
      await assertFoldOfLog(store, 'tally');
    });
  });

  it('with a thousand faulty rows is not let pass by a restart', async () => {
    const store = memoryStore();
    await inWorld(store, async (world) => {
      await withStreams(world, 1_700);
      const sound = world.worker({ projections: [tally('tally')] });
      await sound.start();
      await world.until(async () => (await stateOf(sound)) === 'live', 'it is live');
      await world.passing(sound.stop());
      const before = await generationOf(store);
      for (let restart = 0; restart < 3; restart += 1) {
        const faulty = world.worker({ projections: [tally('tally', { revision: 2, failing: () => true })] });
        await faulty.start();
        await world.until(async () => (await stateOf(faulty)) === 'stopped', 'it stopped');
        await world.passing(faulty.stop());
      }
      expect(await generationOf(store)).toBe(before);
      await assertFoldOfLog(store, 'tally');
    });
  });
});

describe('a fold', () => {
  const projection = defineProjection<{ sum: number }>({
    name: 'sums',
    on: ['*.*'],
    key: ({ stream, data }) => ((data as { n: number }).n === 13 ? null : stream.id),
    fold(row, { data }) {
      const { n } = data as { n: number };
      if (n === 7) throw new Error('a bug');
      return n === 0 ? null : { sum: (row?.sum ?? 0) + n };
    },
    totals: ({ sum }) => ({ sum }),
    order: ({ sum }) => String(sum),
  });

  /** The rows after these batches, as a store keeps them. */
  function rowsAfter(batches: readonly (readonly RecordedEvent[])[]): ReadonlyMap<string, Row> {
    const rows = new Map<string, Row>();
    for (const batch of batches) {
      const { upserts, deletes } = foldBatch(projection, keyedEvents(projection, batch), rows);
      for (const row of upserts) rows.set(row.id, row);
      for (const id of deletes) rows.delete(id);
    }
    return rows;
  }

  it('gives the same rows however the log is cut into batches (property)', () => {
    const event = fc.record({ id: fc.constantFrom('a', 'b'), n: fc.constantFrom(0, 1, 2, 7, 13) });
    fc.assert(
      fc.property(fc.array(fc.tuple(event, fc.boolean()), { maxLength: 30 }), (log) => {
        const events = log.map(([{ id, n }], at) => recorded({ type: 'Account', id }, at + 1, { n }));
        const batches: RecordedEvent[][] = [[]];
        for (const [at, event] of events.entries()) {
          if (log[at]?.[1]) batches.push([]);
          batches.at(-1)?.push(event);
        }
        expect(rowsAfter(batches)).toEqual(rowsAfter([events]));
      }),
    );
  });

  it('whose total is no number marks its row instead of spoiling the sum', () => {
    const spoiling = { ...projection, totals: () => ({ sum: Number.NaN }) };
    const keyed = keyedEvents(spoiling, [recorded({ type: 'Account', id: 'a' }, 1, { n: 1 })]);
    const { upserts, faults } = foldBatch(spoiling, keyed, new Map());
    expect([faults, upserts[0]?.totals, upserts[0]?.faulty?.position]).toEqual([1, {}, 1]);
  });
});
