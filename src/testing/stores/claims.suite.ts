import assert from 'node:assert/strict';
import { append, commit, newCommand, newEvent, newEvents, oddTexts } from '../store-fixtures.ts';
import type { StoreCase } from '../store-subject.ts';

export const claimCases: readonly StoreCase[] = [
  {
    name: 'a claim is taken with the append, and a second taker is refused and told by whom',
    async run({ store, stream, name }) {
      const [one, other] = [stream(), stream('Other')];
      const [claim, free] = [name('email'), name('email')];
      await commit(store, other, 'none', [newEvent()], { take: [claim] });
      assert.deepEqual(await append(store, one, 'none', [newEvent()], { take: [free, claim] }), {
        kind: 'claimed',
        claim,
        by: other,
      });
      assert.deepEqual(await store.events.streamHead(one), { version: 0 });
      assert.deepEqual(await store.events.claimHolders([free, claim]), new Map([[claim, other]]));
    },
  },
  {
    name: 'a claim nobody holds has no holder',
    async run({ store, name }) {
      assert.equal((await store.events.claimHolders([name('claim'), name('claim')])).size, 0);
      assert.equal((await store.events.claimHolders([])).size, 0);
    },
  },
  {
    name: 'a claim is released with an append and free for another stream',
    async run({ store, stream, name }) {
      const [one, other] = [stream(), stream()];
      const [claim, kept] = [name('claim'), name('claim')];
      await commit(store, one, 'none', [newEvent()], { take: [claim, kept] });
      await commit(store, one, 1, [newEvent()], { release: [claim] });
      await commit(store, other, 'none', [newEvent()], { take: [claim] });
      assert.deepEqual(
        await store.events.claimHolders([claim, kept]),
        new Map([
          [claim, other],
          [kept, one],
        ]),
      );
    },
  },
  {
    name: 'claims are taken and released in one append',
    async run({ store, stream, name }) {
      const one = stream();
      const [before, after] = [name('email'), name('email')];
      await commit(store, one, 'none', [newEvent()], { take: [before] });
      await commit(store, one, 1, [newEvent()], { release: [before], take: [after] });
      assert.deepEqual(await store.events.claimHolders([before, after]), new Map([[after, one]]));
    },
  },
  {
    name: 'a claim that one append releases and takes is held afterwards',
    async run({ store, stream, name }) {
      const one = stream();
      const claim = name('claim');
      await commit(store, one, 'none', [newEvent()], { take: [claim] });
      await commit(store, one, 1, [newEvent()], { release: [claim], take: [claim] });
      assert.deepEqual(await store.events.claimHolders([claim]), new Map([[claim, one]]));
    },
  },
  {
    name: 'taking a claim that the stream holds already, or twice in one append, is no conflict',
    async run({ store, stream, name }) {
      const one = stream();
      const claim = name('claim');
      await commit(store, one, 'none', [newEvent()], { take: [claim, claim] });
      await commit(store, one, 1, [newEvent()], { take: [claim] });
      await commit(store, one, 2, [newEvent()], { release: [claim, claim] });
      assert.equal((await store.events.claimHolders([claim])).size, 0);
    },
  },
  {
    name: 'releasing what another stream holds, or nobody, does nothing',
    async run({ store, stream, name }) {
      const [one, other] = [stream(), stream()];
      const claim = name('claim');
      await commit(store, one, 'none', [newEvent()], { take: [claim] });
      await commit(store, other, 'none', [newEvent()], { release: [claim, name('claim')] });
      assert.deepEqual(await store.events.claimHolders([claim]), new Map([[claim, one]]));
      const outcome = await append(store, other, 1, [newEvent()], { release: [claim], take: [claim] });
      assert.deepEqual(outcome, { kind: 'claimed', claim, by: one });
    },
  },
  {
    name: 'a failed append neither takes nor releases: conflict, missed claim, duplicate',
    async run({ store, stream, name }) {
      const [one, other] = [stream(), stream()];
      const [held, taken, wanted] = [name('claim'), name('claim'), name('claim')];
      const command = newCommand();
      await commit(store, one, 'none', [newEvent()], { take: [held], command });
      await commit(store, other, 'none', [newEvent()], { take: [taken] });
      const change = { release: [held], take: [wanted] };
      assert.equal((await append(store, one, 9, [newEvent()], change)).kind, 'conflict');
      assert.equal((await append(store, one, 1, [newEvent()], { ...change, command })).kind, 'duplicate');
      const outcome = await append(store, one, 1, [newEvent()], { release: [held], take: [wanted, taken] });
      assert.equal(outcome.kind, 'claimed');
      assert.deepEqual(
        await store.events.claimHolders([held, taken, wanted]),
        new Map([
          [held, one],
          [taken, other],
        ]),
      );
    },
  },
  {
    name: 'of 50 concurrent takers, over two instances, one wins',
    async run({ store, second, stream, name }) {
      const stores = [store, await second()];
      const claim = name('email');
      const streams = Array.from({ length: 50 }, () => stream());
      const outcomes = await Promise.all(
        streams.map((one, at) => append(stores[at % 2] ?? store, one, 'none', newEvents(1), { take: [claim] })),
      );
      const winners = streams.filter((_, at) => outcomes[at]?.kind === 'committed');
      assert.equal(winners.length, 1);
      const [winner] = winners;
      for (const outcome of outcomes) {
        if (outcome.kind !== 'committed') assert.deepEqual(outcome, { kind: 'claimed', claim, by: winner });
      }
      assert.deepEqual([...(await store.events.claimHolders([claim])).values()], winners);
      for (const one of streams) {
        assert.equal((await store.events.streamHead(one)).version, one === winner ? 1 : 0);
      }
    },
  },
  {
    name: 'streams that swap many claims at once, in any order, neither stall nor share one',
    async run({ store, second, stream, name }) {
      const stores = [store, await second()];
      const claims = Array.from({ length: 10 }, () => name('claim'));
      const takers = Array.from({ length: 20 }, (_, at) => ({
        store: stores[at % 2] ?? store,
        stream: stream(),
        order: at % 2 === 0 ? claims : claims.toReversed(),
      }));
      await Promise.all(
        takers.map(async (taker) => {
          for (let round = 0; round < 5; round += 1) {
            const outcome = await append(taker.store, taker.stream, 'any', [newEvent()], { take: taker.order });
            if (outcome.kind !== 'committed') continue;
            const holders = await taker.store.events.claimHolders(claims);
            assert.deepEqual(
              claims.map((claim) => holders.get(claim)),
              claims.map(() => taker.stream),
            );
            await commit(taker.store, taker.stream, 'any', [newEvent()], { release: taker.order });
          }
        }),
      );
      assert.equal((await store.events.claimHolders(claims)).size, 0);
    },
  },
  {
    name: 'claims are compared as given: odd ones, other cases and other spaces are different claims',
    async run({ store, stream, name }) {
      const unique = name('');
      const claims = [...oddTexts, 'a', 'A', ' a', 'a ', 'é', 'e\u0301', ''].map((odd) => `email:${unique}${odd}`);
      const one = stream();
      for (const claim of claims) {
        await commit(store, one, 'any', [newEvent()], { take: [claim] });
      }
      const holders = await store.events.claimHolders(claims);
      assert.deepEqual([...holders.keys()].sort(), claims.toSorted());
      await commit(store, one, 'any', [newEvent()], { release: claims.slice(1) });
      assert.deepEqual([...(await store.events.claimHolders(claims)).keys()], claims.slice(0, 1));
    },
  },
  {
    name: 'an entry without events takes and releases claims too, and creates no stream',
    async run({ store, stream, name }) {
      const one = stream();
      const claim = name('claim');
      await commit(store, one, 'none', [], { take: [claim] });
      assert.deepEqual(await store.events.streamHead(one), { version: 0 });
      assert.deepEqual(await store.events.claimHolders([claim]), new Map([[claim, one]]));
      await commit(store, one, 'none', [], { release: [claim] });
      assert.equal((await store.events.claimHolders([claim])).size, 0);
    },
  },
  {
    name: 'claims are found by another instance and after reopening',
    needs: ['durable'],
    alone: true,
    async run({ store, reopen, stream, name }) {
      const [one, other] = [stream(), stream()];
      const claim = name('claim');
      await commit(store, one, 'none', [newEvent()], { take: [claim] });
      const again = await reopen();
      assert.deepEqual(await again.events.claimHolders([claim]), new Map([[claim, one]]));
      assert.equal((await append(again, other, 'none', [newEvent()], { take: [claim] })).kind, 'claimed');
    },
  },
];
