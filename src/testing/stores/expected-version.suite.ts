import assert from 'node:assert/strict';
import { append, collect, commit, newEvent, newEvents } from '../store-fixtures.ts';
import type { StoreCase } from '../store-subject.ts';

export const expectedVersionCases: readonly StoreCase[] = [
  {
    name: 'expected none: a missing stream is fine, an existing one a conflict',
    async run({ store, stream }) {
      const one = stream();
      await commit(store, one, 'none', newEvents(2));
      assert.deepEqual(await append(store, one, 'none'), { kind: 'conflict', actual: 2 });
      assert.deepEqual(await append(store, one, 0), { kind: 'conflict', actual: 2 });
      assert.equal((await collect(store.events.readStream(one))).length, 2);
      await commit(store, stream(), 0);
    },
  },
  {
    name: 'expected exists: a missing stream is a conflict, an existing one fine',
    async run({ store, stream }) {
      const one = stream();
      assert.deepEqual(await append(store, one, 'exists'), { kind: 'conflict', actual: 0 });
      assert.deepEqual(await append(store, one, 'exists', []), { kind: 'conflict', actual: 0 });
      await commit(store, one, 'any');
      assert.equal((await commit(store, one, 'exists')).version, 2);
    },
  },
  {
    name: 'expected any: appended whatever the version is',
    async run({ store, stream }) {
      const one = stream();
      assert.equal((await commit(store, one, 'any')).version, 1);
      assert.equal((await commit(store, one, 'any', newEvents(4))).version, 5);
    },
  },
  {
    name: 'expected a number: equal is fine, behind and ahead conflict with the actual version told',
    async run({ store, stream }) {
      const one = stream();
      await commit(store, one, 'none', newEvents(3));
      assert.deepEqual(await append(store, one, 2), { kind: 'conflict', actual: 3 });
      assert.deepEqual(await append(store, one, 4), { kind: 'conflict', actual: 3 });
      assert.equal((await commit(store, one, 3)).version, 4);
      assert.equal((await collect(store.events.readStream(one))).length, 4);
    },
  },
  {
    name: 'expected a version and an event id: the last event must be this very one',
    async run({ store, stream }) {
      const one = stream();
      const [first, second, third] = [newEvent(), newEvent(), newEvent()];
      await commit(store, one, 'none', [first, second]);
      const other = newEvent().id;
      assert.deepEqual(await append(store, one, { version: 2, eventId: other }), { kind: 'conflict', actual: 2 });
      assert.deepEqual(await append(store, one, { version: 2, eventId: first.id }), { kind: 'conflict', actual: 2 });
      assert.deepEqual(await append(store, one, { version: 1, eventId: first.id }), { kind: 'conflict', actual: 2 });
      assert.deepEqual(await append(store, stream(), { version: 0, eventId: other }), { kind: 'conflict', actual: 0 });
      await commit(store, one, { version: 2, eventId: second.id }, [third]);
      assert.deepEqual(await store.events.streamHead(one), { version: 3, eventId: third.id });
    },
  },
  {
    name: 'of 8 writers racing from one version one wins, and nothing of the others is stored (100 rounds)',
    async run({ store, second, stream, name }) {
      const stores = [store, await second()];
      const one = stream();
      for (let round = 0; round < 100; round += 1) {
        const claims = Array.from({ length: 8 }, () => name('race'));
        const outcomes = await Promise.all(
          claims.map((claim, writer) =>
            append(stores[writer % 2] ?? store, one, round, [newEvent('Won', { claim })], { take: [claim] }),
          ),
        );
        const winners = claims.filter((_, writer) => outcomes[writer]?.kind === 'committed');
        assert.equal(winners.length, 1, `round ${round}: ${winners.length} winners`);
        for (const outcome of outcomes) {
          if (outcome.kind !== 'committed') assert.deepEqual(outcome, { kind: 'conflict', actual: round + 1 });
        }
        const [event, ...more] = await collect(store.events.readStream(one, { from: round + 1 }));
        assert.deepEqual([event?.data, more.length], [{ claim: winners[0] }, 0]);
        assert.deepEqual([...(await store.events.claimHolders(claims)).keys()], winners);
      }
    },
  },
];
