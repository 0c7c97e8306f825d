import assert from 'node:assert/strict';
import type { Fence } from '../../ports/coordination.ts';
import type { Store } from '../../ports/store.ts';
import { newEvent, oddTexts, withCode } from '../store-fixtures.ts';
import type { StoreCase } from '../store-subject.ts';

/** Takes the lease over, whoever holds it. */
export async function takeOver(store: Store, lease: string, holder = 'holder'): Promise<Fence> {
  const { taken, record } = await store.leases.take(lease, holder, await store.leases.read(lease));
  assert.ok(taken, `${lease} was taken by another`);
  return { lease, token: record.token };
}

export const checkpointCases: readonly StoreCase[] = [
  {
    name: 'a checkpoint nobody saved is none',
    async run({ store, name }) {
      assert.equal(await store.checkpoints.load(name('relay')), undefined);
    },
  },
  {
    name: "a checkpoint carries its position and its event's id, and the last one saved holds",
    async run({ store, name }) {
      const [relay, lease] = [name('relay'), name('lease')];
      const fence = await takeOver(store, lease);
      for (const checkpoint of [{ position: 0 }, { position: 7, eventId: newEvent().id }, { position: 2 ** 40 }]) {
        await store.checkpoints.save(relay, checkpoint, fence);
        assert.deepEqual(await store.checkpoints.load(relay), checkpoint);
      }
      await store.checkpoints.save(relay, { position: 3, eventId: newEvent().id }, fence);
      assert.equal((await store.checkpoints.load(relay))?.position, 3);
    },
  },
  {
    name: 'a checkpoint is fenced: who lost the lease moves nothing',
    async run({ store, second, name }) {
      const other = await second();
      const [relay, lease] = [name('relay'), name('lease')];
      const lost = await takeOver(store, lease, 'a');
      await store.checkpoints.save(relay, { position: 5 }, lost);
      const held = await takeOver(other, lease, 'b');
      await assert.rejects(store.checkpoints.save(relay, { position: 9 }, lost), withCode('FENCED'));
      assert.deepEqual(await store.checkpoints.load(relay), { position: 5 });
      await other.checkpoints.save(relay, { position: 6 }, held);
      assert.deepEqual(await store.checkpoints.load(relay), { position: 6 });
    },
  },
  {
    name: 'a released lease fences nothing until another takes it',
    async run({ store, name }) {
      const [relay, lease] = [name('relay'), name('lease')];
      const fence = await takeOver(store, lease);
      await store.leases.release(fence);
      await store.checkpoints.save(relay, { position: 1 }, fence);
      await takeOver(store, lease);
      await assert.rejects(store.checkpoints.save(relay, { position: 2 }, fence), withCode('FENCED'));
    },
  },
  {
    name: 'checkpoints of odd names are kept apart',
    async run({ store, name }) {
      const unique = name('odd');
      const fence = await takeOver(store, name('lease'));
      for (const [at, odd] of oddTexts.entries()) await store.checkpoints.save(odd + unique, { position: at }, fence);
      for (const [at, odd] of oddTexts.entries()) {
        assert.deepEqual(await store.checkpoints.load(odd + unique), { position: at });
      }
    },
  },
];
