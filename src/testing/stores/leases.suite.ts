import assert from 'node:assert/strict';
import { oddTexts } from '../store-fixtures.ts';
import type { StoreCase } from '../store-subject.ts';
import { takeOver } from './checkpoints.suite.ts';

export const leaseCases: readonly StoreCase[] = [
  {
    name: 'a lease nobody ever held has token 0, beat 0 and no holder',
    async run({ store, name }) {
      assert.deepEqual(await store.leases.read(name('lease')), { token: 0, beat: 0 });
    },
  },
  {
    name: 'who takes a lease holds it, with token 1, as everybody sees',
    async run({ store, second, name }) {
      const lease = name('lease');
      const { taken, record } = await store.leases.take(lease, 'a', { token: 0, beat: 0 });
      assert.deepEqual([taken, record.token, record.holder], [true, 1, 'a']);
      assert.deepEqual(await (await second()).leases.read(lease), record);
    },
  },
  {
    name: 'each takeover has a token one higher',
    async run({ store, name }) {
      const lease = name('lease');
      for (const token of [1, 2, 3]) assert.equal((await takeOver(store, lease)).token, token);
    },
  },
  {
    name: 'of 20 contenders who saw the same, over two instances, one takes it; the others are told what it is',
    async run({ store, second, name }) {
      const stores = [store, await second()];
      const lease = name('lease');
      for (let round = 0; round < 5; round += 1) {
        const seen = await store.leases.read(lease);
        const results = await Promise.all(
          Array.from({ length: 20 }, (_, at) => (stores[at % 2] ?? store).leases.take(lease, `holder ${at}`, seen)),
        );
        const winners = results.filter(({ taken }) => taken);
        assert.equal(winners.length, 1);
        for (const { record } of results) assert.deepEqual(record, winners[0]?.record);
        assert.deepEqual(await store.leases.read(lease), winners[0]?.record);
      }
    },
  },
  {
    name: 'a beat makes what a contender saw stale: a live holder is not taken over',
    async run({ store, second, name }) {
      const other = await second();
      const lease = name('lease');
      const fence = await takeOver(store, lease, 'a');
      const seen = await other.leases.read(lease);
      assert.equal(await store.leases.beat(fence), true);
      const { taken, record } = await other.leases.take(lease, 'b', seen);
      assert.deepEqual([taken, record.token, record.holder], [false, fence.token, 'a']);
      assert.ok(record.beat > seen.beat);
      assert.deepEqual(await other.leases.read(lease), record);
    },
  },
  {
    name: 'a beat adds one, and does not change token or holder',
    async run({ store, name }) {
      const lease = name('lease');
      const fence = await takeOver(store, lease, 'a');
      const { beat } = await store.leases.read(lease);
      for (const more of [1, 2, 3]) {
        await store.leases.beat(fence);
        assert.deepEqual(await store.leases.read(lease), { token: fence.token, beat: beat + more, holder: 'a' });
      }
    },
  },
  {
    name: 'who lost the lease is told so by the next beat, and neither beats nor releases',
    async run({ store, second, name }) {
      const lease = name('lease');
      const lost = await takeOver(store, lease, 'a');
      await takeOver(await second(), lease, 'b');
      const held = await store.leases.read(lease);
      assert.equal(await store.leases.beat(lost), false);
      await store.leases.release(lost);
      assert.deepEqual(await store.leases.read(lease), held);
      assert.equal(held.holder, 'b');
    },
  },
  {
    name: 'a released lease has no holder, keeps its token, and is taken at once',
    async run({ store, second, name }) {
      const lease = name('lease');
      const fence = await takeOver(store, lease, 'a');
      await store.leases.release(fence);
      await store.leases.release(fence);
      const free = await store.leases.read(lease);
      assert.deepEqual([free.token, free.holder], [1, undefined]);
      assert.equal(await store.leases.beat(fence), false);
      assert.equal((await takeOver(await second(), lease, 'b')).token, 2);
    },
  },
  {
    name: 'a beat for a lease nobody ever held is a lost one',
    async run({ store, name }) {
      const lease = name('lease');
      assert.equal(await store.leases.beat({ lease, token: 0 }), false);
      assert.equal(await store.leases.beat({ lease, token: 1 }), false);
      await store.leases.release({ lease, token: 1 });
      assert.deepEqual(await store.leases.read(lease), { token: 0, beat: 0 });
    },
  },
  {
    name: 'knows no time: clocks an hour apart and stepping neither end a lease nor lend one',
    needs: ['clocked'],
    alone: true,
    async run({ store, second, wall }) {
      const other = await second();
      const fence = await takeOver(store, 'relay', 'a');
      const seen = await other.leases.read('relay');
      for (const step of [3_600_000, -3_600_000, 86_400_000, 0]) {
        wall.offsetMs = step;
        assert.equal(await store.leases.beat(fence), true);
        assert.equal((await other.leases.take('relay', 'b', seen)).taken, false);
      }
    },
  },
  {
    name: 'leases of odd names and holders are kept apart',
    async run({ store, name }) {
      const unique = name('odd');
      for (const odd of oddTexts) assert.equal((await takeOver(store, odd + unique, odd)).token, 1, odd);
      for (const odd of oddTexts) assert.equal((await store.leases.read(odd + unique)).holder, odd);
    },
  },
];
