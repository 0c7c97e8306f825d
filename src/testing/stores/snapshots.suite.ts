import assert from 'node:assert/strict';
import type { Json, StreamId } from '../../kernel/message.ts';
import type { Snapshot } from '../../ports/event-store.ts';
import { newEvent } from '../store-fixtures.ts';
import type { StoreCase } from '../store-subject.ts';

const snapshot = (stream: StreamId, version: number, more: Partial<Snapshot> = {}): Snapshot => ({
  stream,
  machineHash: 'hash',
  version,
  eventId: newEvent().id,
  state: { at: version },
  ...more,
});

export const snapshotCases: readonly StoreCase[] = [
  {
    name: 'a stream without snapshots has none',
    async run({ store, stream }) {
      assert.equal(await store.snapshots.load(stream(), 'hash'), undefined);
    },
  },
  {
    name: 'the latest snapshot is given, as it was saved',
    async run({ store, stream }) {
      const one = stream();
      const latest = snapshot(one, 20);
      await store.snapshots.save([snapshot(one, 10)]);
      await store.snapshots.save([latest]);
      assert.deepEqual(await store.snapshots.load(one, 'hash'), latest);
    },
  },
  {
    name: 'the latest up to a version is given, of the two that are kept',
    async run({ store, stream }) {
      const one = stream();
      for (const version of [10, 20, 30]) await store.snapshots.save([snapshot(one, version)]);
      const versionAt = async (max?: number) => (await store.snapshots.load(one, 'hash', max))?.version;
      assert.deepEqual(await Promise.all([undefined, 31, 30, 29, 20, 19, 10, 0].map(versionAt)), [
        30,
        30,
        30,
        20,
        20,
        undefined,
        undefined,
        undefined,
      ]);
    },
  },
  {
    name: 'saving an older or an equal version changes nothing',
    async run({ store, stream }) {
      const one = stream();
      const [older, latest] = [snapshot(one, 10), snapshot(one, 20)];
      for (const each of [older, latest, snapshot(one, 20), snapshot(one, 15), snapshot(one, 5)]) {
        await store.snapshots.save([each]);
      }
      assert.deepEqual(await store.snapshots.load(one, 'hash'), latest);
      assert.deepEqual(await store.snapshots.load(one, 'hash', 19), older);
    },
  },
  {
    name: "another machine's snapshots are not read, nor crowded out",
    async run({ store, stream }) {
      const one = stream();
      const mine = snapshot(one, 10);
      await store.snapshots.save([mine]);
      for (const version of [20, 30, 40])
        await store.snapshots.save([snapshot(one, version, { machineHash: 'other' })]);
      assert.deepEqual(await store.snapshots.load(one, 'hash'), mine);
      assert.equal((await store.snapshots.load(one, 'other'))?.version, 40);
      assert.equal(await store.snapshots.load(one, 'third'), undefined);
    },
  },
  {
    name: 'snapshots of many streams are saved together',
    async run({ store, stream }) {
      const all = Array.from({ length: 100 }, () => snapshot(stream(), 10));
      await store.snapshots.save(all);
      await store.snapshots.save([]);
      for (const each of all) assert.deepEqual(await store.snapshots.load(each.stream, 'hash'), each);
    },
  },
  {
    name: 'one older snapshot among many does not keep the others out',
    async run({ store, stream }) {
      const [one, other] = [stream(), stream()];
      await store.snapshots.save([snapshot(one, 20)]);
      await store.snapshots.save([snapshot(one, 10), snapshot(other, 10)]);
      assert.equal((await store.snapshots.load(one, 'hash'))?.version, 20);
      assert.equal((await store.snapshots.load(other, 'hash'))?.version, 10);
    },
  },
  {
    name: 'deleting forgets all snapshots of the stream, and no others',
    async run({ store, stream }) {
      const one = stream();
      const other = { type: 'Other', id: one.id };
      for (const version of [10, 20]) await store.snapshots.save([snapshot(one, version), snapshot(other, version)]);
      await store.snapshots.save([snapshot(one, 20, { machineHash: 'other' })]);
      await store.snapshots.delete(one);
      await store.snapshots.delete(stream());
      assert.equal(await store.snapshots.load(one, 'hash'), undefined);
      assert.equal(await store.snapshots.load(one, 'other'), undefined);
      assert.equal((await store.snapshots.load(other, 'hash'))?.version, 20);
      const again = snapshot(one, 5);
      await store.snapshots.save([again]);
      assert.deepEqual(await store.snapshots.load(one, 'hash'), again);
    },
  },
  {
    name: 'a state of 1 MB comes back equal, and so do odd ones',
    async run({ store, stream }) {
      const states: readonly Json[] = [{ text: 'x'.repeat(1_000_000) }, null, [], '', { '': [null, '\u0000🦉'] }];
      for (const state of states) {
        const one = stream();
        await store.snapshots.save([snapshot(one, 1, { state })]);
        assert.deepEqual((await store.snapshots.load(one, 'hash'))?.state, state);
      }
    },
  },
  {
    name: 'what a reader changes does not change the snapshot',
    async run({ store, stream }) {
      const one = stream();
      const state = { list: [1] };
      await store.snapshots.save([snapshot(one, 1, { state })]);
      state.list.push(2);
      assert.deepEqual((await store.snapshots.load(one, 'hash'))?.state, { list: [1] });
    },
  },
];
