import assert from 'node:assert/strict';
import type { Cursor, CursorState, Parked } from '../../ports/coordination.ts';
import type { Store } from '../../ports/store.ts';
import { newEvent, oddTexts } from '../store-fixtures.ts';
import type { StoreCase } from '../store-subject.ts';

const live: CursorState = { kind: 'live' };

const parkedBy = (id: string, more: Partial<Parked> = {}): Parked => ({
  kind: 'parked',
  id,
  eventId: newEvent().id,
  eventType: 'UserCreated',
  position: 12,
  code: 'CHANNEL_REJECTED',
  cause: 'No such mailbox: „Ω“.',
  attempts: 3,
  parkedAt: '2026-01-02T03:04:05.678Z',
  ...more,
});

async function advance(store: Store, from: Cursor, version: number, state: CursorState = live): Promise<Cursor> {
  const [result] = await store.cursors.advance([{ from, version, state }]);
  assert.ok(result?.moved, 'the cursor did not move');
  return result.cursor;
}

async function load(store: Store, subscription: string, stream: Cursor['stream']): Promise<Cursor> {
  const [cursor] = await store.cursors.load(subscription, [stream]);
  assert.ok(cursor);
  return cursor;
}

/** Ten changes of one cursor from each store, all at once; gives the cursor of each that was made. */
async function raceFrom(from: Cursor, stores: readonly Store[], version: number): Promise<readonly Cursor[]> {
  const changes = Array.from({ length: 10 }, (_, at) => [{ from, version: version + at, state: live }]);
  const race = stores.flatMap(({ cursors }) => changes.map((change) => cursors.advance(change)));
  const results = (await Promise.all(race)).flat();
  return results.filter(({ moved }) => moved).map(({ cursor }) => cursor);
}

export const cursorCases: readonly StoreCase[] = [
  {
    name: 'a cursor not stored yet has version 0, is live and has revision 0; one for each stream, in order',
    async run({ store, stream, name }) {
      const subscription = name('mails');
      const streams = [stream(), stream('Other'), stream()];
      assert.deepEqual(
        await store.cursors.load(subscription, streams),
        streams.map((one) => ({ subscription, stream: one, version: 0, state: live, revision: 0 })),
      );
      assert.deepEqual(await store.cursors.load(subscription, []), []);
    },
  },
  {
    name: 'a cursor is moved, and its revision grows with every change',
    async run({ store, stream, name }) {
      const [subscription, one] = [name('mails'), stream()];
      const first = await advance(store, await load(store, subscription, one), 3);
      assert.deepEqual([first.version, first.state, first.stream], [3, live, one]);
      assert.deepEqual(await load(store, subscription, one), first);
      const second = await advance(store, first, 4, { kind: 'redriving' });
      assert.ok(second.revision > first.revision && first.revision > 0);
      assert.deepEqual(await load(store, subscription, one), second);
    },
  },
  {
    name: 'a change from an older revision moves nothing, and is told where the cursor is',
    async run({ store, second, stream, name }) {
      const other = await second();
      const [subscription, one] = [name('mails'), stream()];
      const fresh = await load(store, subscription, one);
      const moved = await advance(store, fresh, 5);
      assert.deepEqual(await other.cursors.advance([{ from: fresh, version: 9, state: live }]), [
        { moved: false, cursor: moved },
      ]);
      const ahead = { ...moved, revision: moved.revision + 1 };
      assert.deepEqual(await other.cursors.advance([{ from: ahead, version: 9, state: live }]), [
        { moved: false, cursor: moved },
      ]);
      assert.deepEqual(await load(other, subscription, one), moved);
    },
  },
  {
    name: 'many changes are made in one call, each by itself, in order',
    async run({ store, stream, name }) {
      const subscription = name('mails');
      const streams = Array.from({ length: 100 }, () => stream());
      const cursors = await store.cursors.load(subscription, streams);
      const [first, ...others] = cursors;
      assert.ok(first);
      await advance(store, first, 1);
      const results = await store.cursors.advance(cursors.map((from) => ({ from, version: 2, state: live })));
      assert.deepEqual(
        results.map(({ moved, cursor }) => [moved, cursor.version]),
        [[false, 1], ...others.map(() => [true, 2])],
      );
      const again = await store.cursors.load(subscription, streams);
      assert.deepEqual(
        again,
        results.map(({ cursor }) => cursor),
      );
      assert.deepEqual(await store.cursors.advance([]), []);
    },
  },
  {
    name: 'of two changes of one cursor in one call the second fails',
    async run({ store, stream, name }) {
      const from = await load(store, name('mails'), stream());
      const results = await store.cursors.advance([
        { from, version: 1, state: live },
        { from, version: 2, state: live },
      ]);
      assert.deepEqual(
        results.map(({ moved, cursor }) => [moved, cursor.version]),
        [
          [true, 1],
          [false, 1],
        ],
      );
    },
  },
  {
    name: 'of 20 concurrent changes from one revision, over two instances, one is made (20 rounds)',
    async run({ store, second, stream, name }) {
      const stores = [store, await second()];
      const [subscription, one] = [name('mails'), stream()];
      for (let round = 1; round <= 20; round += 1) {
        const from = await load(store, subscription, one);
        const moved = await raceFrom(from, stores, round * 100);
        assert.equal(moved.length, 1);
        assert.deepEqual(await load(store, subscription, one), moved[0]);
      }
    },
  },
  {
    name: 'the same stream has a cursor of its own in each subscription',
    async run({ store, stream, name }) {
      const one = stream();
      const [a, b] = [name('mails'), name('mails')];
      await advance(store, await load(store, a, one), 7);
      assert.equal((await load(store, b, one)).version, 0);
      assert.equal((await load(store, a, { type: 'Other', id: one.id })).version, 0);
    },
  },
  {
    name: 'a parked cursor keeps its cause and attempts, and is found by the id of its dead letter',
    async run({ store, stream, name }) {
      const [subscription, one, id] = [name('mails'), stream(), name('letter')];
      const state = parkedBy(id);
      const parked = await advance(store, await load(store, subscription, one), 4, state);
      assert.deepEqual(parked.state, state);
      assert.deepEqual(await load(store, subscription, one), parked);
      assert.deepEqual(await store.cursors.findParked(id), parked);
      assert.deepEqual(await store.cursors.parked({ subscription, limit: 10 }), [parked]);
      assert.equal(await store.cursors.findParked(name('letter')), undefined);
    },
  },
  {
    name: 'a cursor is unparked once: of two redrives one is made',
    async run({ store, second, stream, name }) {
      const other = await second();
      const [subscription, one, id] = [name('mails'), stream(), name('letter')];
      const from = await advance(store, await load(store, subscription, one), 4, parkedBy(id));
      const change = { from, version: 4, state: { kind: 'redriving' } } as const;
      const results = (await Promise.all([store.cursors.advance([change]), other.cursors.advance([change])])).flat();
      assert.deepEqual(results.map(({ moved }) => moved).sort(), [false, true]);
      assert.equal(await store.cursors.findParked(id), undefined);
      assert.deepEqual(await store.cursors.parked({ subscription, limit: 10 }), []);
      const redriving = await store.cursors.redriving(subscription, 10);
      assert.deepEqual(redriving, [await load(store, subscription, one)]);
      await advance(store, redriving[0] ?? from, 6);
      assert.deepEqual(await store.cursors.redriving(subscription, 10), []);
    },
  },
  {
    name: 'a parked event is stepped over: the cursor goes on behind it',
    async run({ store, stream, name }) {
      const [subscription, one, id] = [name('mails'), stream(), name('letter')];
      const parked = await advance(store, await load(store, subscription, one), 4, parkedBy(id));
      const stepped = await advance(store, parked, 5, { kind: 'redriving' });
      assert.deepEqual([stepped.version, await store.cursors.findParked(id)], [5, undefined]);
    },
  },
  {
    name: 'a cursor parked again has the new dead letter only',
    async run({ store, stream, name }) {
      const [subscription, one] = [name('mails'), stream()];
      const [first, second] = [name('letter'), name('letter')];
      const parked = await advance(store, await load(store, subscription, one), 4, parkedBy(first));
      const again = await advance(store, parked, 6, parkedBy(second, { attempts: 9 }));
      assert.equal(await store.cursors.findParked(first), undefined);
      assert.deepEqual(await store.cursors.findParked(second), again);
      assert.deepEqual(await store.cursors.parked({ subscription, limit: 10 }), [again]);
    },
  },
  {
    name: "parked cursors are listed by page, in the order of their dead letters' ids",
    async run({ store, stream, name }) {
      const subscription = name('mails');
      const prefix = name('letter');
      const ids = Array.from({ length: 25 }, (_, at) => `${prefix}-${String((at * 7) % 25).padStart(2, '0')}`);
      for (const id of ids) await advance(store, await load(store, subscription, stream()), 1, parkedBy(id));
      const listed: string[] = [];
      for (let after: string | undefined; ; after = listed.at(-1)) {
        const page = await store.cursors.parked({ subscription, limit: 10, ...(after !== undefined && { after }) });
        for (const { state } of page) if (state.kind === 'parked') listed.push(state.id);
        if (page.length < 10) break;
      }
      assert.deepEqual(listed, ids.toSorted());
    },
  },
  {
    name: 'parked cursors of all subscriptions are listed together, and counted by subscription',
    alone: true,
    async run({ store, stream }) {
      for (const [at, subscription] of ['a', 'b', 'a'].entries()) {
        await advance(store, await load(store, subscription, stream()), 1, parkedBy(`letter-${at}`));
      }
      await advance(store, await load(store, 'c', stream()), 1);
      const all = await store.cursors.parked({ limit: 10 });
      assert.deepEqual(
        all.map(({ subscription, state }) => [subscription, state.kind === 'parked' && state.id]),
        [
          ['a', 'letter-0'],
          ['b', 'letter-1'],
          ['a', 'letter-2'],
        ],
      );
      assert.equal((await store.cursors.parked({ limit: 10, after: 'letter-0' })).length, 2);
      assert.deepEqual(
        new Map(await store.cursors.countParked()),
        new Map([
          ['a', 2],
          ['b', 1],
        ]),
      );
    },
  },
  {
    name: 'streams to be redriven are listed up to a limit, of this subscription only',
    async run({ store, stream, name }) {
      const [subscription, other] = [name('mails'), name('mails')];
      for (let count = 0; count < 5; count += 1) {
        await advance(store, await load(store, subscription, stream()), 1, { kind: 'redriving' });
      }
      await advance(store, await load(store, other, stream()), 1, { kind: 'redriving' });
      assert.equal((await store.cursors.redriving(subscription, 3)).length, 3);
      assert.equal((await store.cursors.redriving(subscription, 10)).length, 5);
    },
  },
  {
    name: 'all cursors of a subscription are forgotten, parked ones too, and no others',
    async run({ store, stream, name }) {
      const [replay, mails, one] = [name('replay'), name('mails'), stream()];
      const [gone, kept] = [name('letter'), name('letter')];
      await advance(store, await load(store, replay, one), 3, parkedBy(gone));
      await advance(store, await load(store, replay, stream()), 3, { kind: 'redriving' });
      const other = await advance(store, await load(store, mails, one), 3, parkedBy(kept));
      await store.cursors.deleteAll(replay);
      assert.equal((await load(store, replay, one)).revision, 0);
      assert.equal(await store.cursors.findParked(gone), undefined);
      assert.deepEqual(await store.cursors.redriving(replay, 10), []);
      assert.equal((await store.cursors.countParked()).get(replay), undefined);
      assert.deepEqual(await load(store, mails, one), other);
      assert.deepEqual(await store.cursors.findParked(kept), other);
    },
  },
  {
    name: 'cursors of odd subscriptions and streams are kept apart',
    async run({ store, name }) {
      const unique = name('odd');
      const places = oddTexts.flatMap((odd) => [
        { subscription: unique + odd, stream: { type: 'Account', id: odd } },
        { subscription: unique, stream: { type: odd, id: 'x' } },
      ]);
      for (const [at, { subscription, stream }] of places.entries()) {
        await advance(store, await load(store, subscription, stream), at + 1, parkedBy(unique + String(at)));
      }
      for (const [at, { subscription, stream }] of places.entries()) {
        assert.equal((await load(store, subscription, stream)).version, at + 1);
        assert.deepEqual((await store.cursors.findParked(unique + String(at)))?.stream, stream);
      }
    },
  },
];
