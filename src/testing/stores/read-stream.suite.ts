import assert from 'node:assert/strict';
import type { StreamRange } from '../../ports/event-store.ts';
import { heapBytes } from '../heap.ts';
import { collect, commit, newEvent, newEvents } from '../store-fixtures.ts';
import type { StoreCase, StoreContext } from '../store-subject.ts';

const ranges: readonly { readonly what: string; readonly range?: StreamRange; readonly gives: readonly number[] }[] = [
  { what: 'all of it', gives: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] },
  { what: 'from a version', range: { from: 8 }, gives: [8, 9, 10] },
  { what: 'to a version', range: { to: 3 }, gives: [1, 2, 3] },
  { what: 'from a version to another, both included', range: { from: 3, to: 5 }, gives: [3, 4, 5] },
  { what: 'one event when from equals to', range: { from: 4, to: 4 }, gives: [4] },
  { what: 'nothing when from is greater than to', range: { from: 5, to: 4 }, gives: [] },
  { what: 'nothing from beyond the end', range: { from: 11 }, gives: [] },
  { what: 'to the last when to is beyond the end', range: { from: 9, to: 99 }, gives: [9, 10] },
  { what: 'at most limit events', range: { limit: 2 }, gives: [1, 2] },
  { what: 'at most limit events from a version', range: { from: 6, limit: 3 }, gives: [6, 7, 8] },
  { what: 'all when the limit is greater', range: { limit: 11 }, gives: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] },
  { what: 'nothing at limit 0', range: { limit: 0 }, gives: [] },
  { what: 'backwards', range: { backwards: true }, gives: [10, 9, 8, 7, 6, 5, 4, 3, 2, 1] },
  { what: 'the last one: backwards with a limit', range: { backwards: true, limit: 1 }, gives: [10] },
  { what: 'backwards from to down to from', range: { backwards: true, from: 3, to: 5 }, gives: [5, 4, 3] },
  { what: 'backwards within a limit', range: { backwards: true, from: 3, to: 7, limit: 2 }, gives: [7, 6] },
  { what: 'nothing backwards when from is greater than to', range: { backwards: true, from: 5, to: 4 }, gives: [] },
];

export const readStreamCases: readonly StoreCase[] = [
  ...ranges.map(
    ({ what, range, gives }): StoreCase => ({
      name: `reads a stream: ${what}`,
      run: async (context) => assert.deepEqual(await versionsOf(context, range), gives),
    }),
  ),
  {
    name: 'an unknown stream is empty, in any range',
    async run({ store, stream }) {
      for (const range of [undefined, { from: 3 }, { backwards: true }, { to: 0 }]) {
        assert.deepEqual(await collect(store.events.readStream(stream(), range)), []);
      }
    },
  },
  {
    name: 'a stream has the events of its own type and id only',
    async run({ store, stream }) {
      const one = stream();
      await commit(store, one, 'none', newEvents(2, 'Mine'));
      await commit(store, { type: 'Other', id: one.id }, 'none', newEvents(3, 'Theirs'));
      const read = await collect(store.events.readStream(one));
      assert.deepEqual(
        read.map(({ type }) => type),
        ['Mine', 'Mine'],
      );
    },
  },
  {
    name: 'a reader that stops early lets go of what it reads with',
    async run({ store, stream }) {
      const one = stream();
      await commit(store, one, 'none', newEvents(1000));
      for (let round = 0; round < 50; round += 1) {
        for await (const event of store.events.readStream(one)) if (event.version === 3) break;
        for await (const event of store.events.readAll()) if (event.version === 3) break;
      }
      await commit(store, one, 1000);
    },
  },
  {
    name: 'a stream read while it is appended to gives every version once, in order',
    async run({ store, second, stream }) {
      const one = stream();
      const writer = await second();
      await commit(writer, one, 'none', newEvents(500));
      const versions: number[] = [];
      for await (const { version } of store.events.readStream(one)) {
        versions.push(version);
        if (version % 100 === 0 && version < 1000) await commit(writer, one, 'any', newEvents(100));
      }
      assert.ok(versions.length >= 500, `${versions.length} events`);
      assert.deepEqual(
        versions,
        versions.map((_, at) => at + 1),
      );
    },
  },
  {
    name: 'many readers of one stream side by side each get all of it',
    async run({ store, stream }) {
      const one = stream();
      await commit(store, one, 'none', newEvents(1000));
      const reads = await Promise.all(Array.from({ length: 20 }, () => collect(store.events.readStream(one))));
      for (const read of reads) assert.equal(read.length, 1000);
    },
  },
  {
    name: 'a stream of 100,000 events is read in bounded memory',
    large: true,
    async run({ store, stream }) {
      const one = stream();
      const note = 'n'.repeat(400);
      for (let version = 0; version < 100_000; version += 1000) {
        await commit(store, one, version, newEvents(1000, 'Noted', { note }));
      }
      for (const read of [() => store.events.readStream(one), () => store.events.readAll()]) {
        const before = heapBytes();
        let most = 0;
        let count = 0;
        for await (const _ of read()) {
          count += 1;
          if (count % 10_000 === 1) most = Math.max(most, heapBytes() - before);
        }
        assert.ok(count >= 100_000, `${count} events`);
        assert.ok(most < 64e6, `grew by ${Math.round(most / 1e6)} MB`);
      }
    },
  },
];

async function versionsOf({ store, stream }: StoreContext, range?: StreamRange): Promise<readonly number[]> {
  const one = stream();
  await commit(store, one, 'none', newEvents(4));
  await commit(store, stream(), 'none', [newEvent()]);
  await commit(store, one, 4, newEvents(6));
  return (await collect(store.events.readStream(one, range))).map(({ version }) => version);
}
