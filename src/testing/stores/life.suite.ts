import assert from 'node:assert/strict';
import type { Store } from '../../ports/store.ts';
import { append, collect, commit, newCommand, newEvent, newEvents, withCode } from '../store-fixtures.ts';
import type { StoreCase, StoreContext } from '../store-subject.ts';

export const lifeCases: readonly StoreCase[] = [
  {
    name: 'an open store answers a ping',
    run: ({ store }) => store.ping(),
  },
  {
    name: 'tells its features as its adapter declares them',
    async run({ store, features }) {
      const { durable, shared } = store.features;
      assert.deepEqual(
        { durable, shared },
        { durable: features.includes('durable'), shared: features.includes('shared') },
      );
      assert.match(store.provider, /^[a-z]+$/);
    },
  },
  {
    name: 'closing twice is fine, also at once',
    alone: true,
    async run({ store }) {
      await Promise.all([store.close(), store.close()]);
      await store.close();
    },
  },
  {
    name: 'any use after close is STORE_CLOSED',
    alone: true,
    async run(context) {
      const { store } = context;
      await commit(store, context.stream(), 'none');
      const generation = await store.readModels.open({ name: 'rows', hash: 'a' }, { lease: 'rows', token: 1 });
      await store.close();
      const fence = { lease: 'rows', token: 1 };
      const uses: readonly (readonly [string, () => unknown])[] = [
        ...usesOf(context),
        ['generation.checkpoint', () => generation.checkpoint()],
        ['generation.load', () => generation.load(['a'])],
        [
          'generation.commit',
          () => generation.commit({ upserts: [], deletes: [], checkpoint: { position: 1 }, fence }),
        ],
      ];
      for (const [what, use] of uses) {
        await assert.rejects(async () => use(), withCode('STORE_CLOSED'), what);
      }
    },
  },
  {
    name: 'a read under way ends with STORE_CLOSED, or with all its events, when the store closes',
    alone: true,
    async run({ store, stream }) {
      const one = stream();
      for (let version = 0; version < 5000; version += 1000) await commit(store, one, version, newEvents(1000));
      let seen = 0;
      const reading = (async () => {
        for await (const _ of store.events.readStream(one)) {
          seen += 1;
          if (seen === 10) void store.close();
        }
      })();
      const [result] = await Promise.allSettled([reading]);
      if (result.status === 'rejected') assert.ok(withCode('STORE_CLOSED')(result.reason), String(result.reason));
      else assert.equal(seen, 5000);
      await store.close();
    },
  },
  {
    name: 'closed while busy: every append is answered, acknowledged or STORE_CLOSED',
    alone: true,
    async run({ store, stream }) {
      await closeWhileBusy(store, () => stream());
    },
  },
  {
    name: 'closed while busy: reopening finds what was acknowledged, whole, and nothing that was refused',
    needs: ['durable'],
    alone: true,
    async run({ store, reopen, stream }) {
      const appends = await closeWhileBusy(store, () => stream());
      const again = await reopen();
      for (const { one, acknowledged } of appends) {
        assert.equal((await collect(again.events.readStream(one))).length, acknowledged ? 7 : 0);
      }
    },
  },
  {
    name: 'reopening finds everything',
    needs: ['durable'],
    alone: true,
    async run({ store, reopen, stream, name }) {
      const one = stream();
      const claim = name('claim');
      const command = newCommand();
      await commit(store, one, 'none', newEvents(3), { command, take: [claim] });
      const events = await collect(store.events.readAll());
      const lease = await store.leases.take('relay', 'a', await store.leases.read('relay'));
      const fence = { lease: 'relay', token: lease.record.token };
      const eventId = newEvent().id;
      await store.checkpoints.save('relay', { position: 3, eventId }, fence);
      const [cursor] = await store.cursors.load('mails', [one]);
      assert.ok(cursor);
      const [moved] = await store.cursors.advance([{ from: cursor, version: 2, state: { kind: 'live' } }]);
      await store.snapshots.save([{ stream: one, machineHash: 'hash', version: 3, eventId, state: { open: true } }]);
      const generation = await store.readModels.open({ name: 'rows', hash: 'a' }, fence);
      const row = { id: 'r', value: { n: 1 }, order: '1', index: { by: 'x' }, search: 'ada', totals: { n: 1 } };
      await generation.commit({ upserts: [row], deletes: [], checkpoint: { position: 3, eventId }, fence });

      const again = await reopen();
      assert.deepEqual(await collect(again.events.readAll()), events);
      assert.equal(await again.events.head(), 3);
      assert.equal((await append(again, one, 3, newEvents(1), { command })).kind, 'duplicate');
      assert.deepEqual(await again.events.claimHolders([claim]), new Map([[claim, one]]));
      assert.deepEqual(await again.leases.read('relay'), lease.record);
      assert.deepEqual(await again.checkpoints.load('relay'), { position: 3, eventId });
      assert.deepEqual(await again.cursors.load('mails', [one]), [moved?.cursor]);
      assert.deepEqual((await again.snapshots.load(one, 'hash'))?.state, { open: true });
      assert.deepEqual(await again.readModels.get('rows', 'r'), row);
      assert.deepEqual(await again.readModels.totals('rows'), { n: 1 });
      const continued = await again.readModels.open({ name: 'rows', hash: 'a' }, fence);
      assert.deepEqual([continued.number, await continued.checkpoint()], [generation.number, { position: 3, eventId }]);
      assert.equal((await commit(again, one, 3)).position, 4);
    },
  },
  {
    name: 'an instance that closes does not disturb another',
    needs: ['shared'],
    async run({ store, second, stream }) {
      const other = await second();
      const one = stream();
      await commit(other, one, 'none');
      const busy = Promise.all(Array.from({ length: 20 }, () => append(store, one, 'any')));
      await other.close();
      assert.ok((await busy).every(({ kind }) => kind === 'committed'));
      assert.equal((await store.events.streamHead(one)).version, 21);
    },
  },
];

/** Fifty appends of seven events each, and the store closed while they are under way. */
async function closeWhileBusy(store: Store, stream: () => StoreStream) {
  const appends = Array.from({ length: 50 }, () => {
    const one = stream();
    return { one, answer: append(store, one, 'none', newEvents(7)) };
  });
  const closing = store.close();
  const answers = await Promise.allSettled(appends.map(({ answer }) => answer));
  await closing;
  return appends.map(({ one }, at) => {
    const answer = answers[at];
    if (answer?.status === 'rejected') assert.ok(withCode('STORE_CLOSED')(answer.reason), String(answer.reason));
    else assert.equal(answer?.value.kind, 'committed');
    return { one, acknowledged: answer?.status === 'fulfilled' };
  });
}

type StoreStream = ReturnType<StoreContext['stream']>;

/** Every method of the ports. */
function usesOf({ store, stream }: StoreContext): readonly (readonly [string, () => unknown])[] {
  const one = stream();
  const fence = { lease: 'rows', token: 1 };
  const { events, snapshots, checkpoints, cursors, leases, readModels } = store;
  const cursor = { subscription: 's', stream: one, version: 0, state: { kind: 'live' }, revision: 0 } as const;
  return [
    ['ping', () => store.ping()],
    ['append', () => append(store, one, 'none')],
    ['readStream', () => collect(events.readStream(one))],
    ['readAll', () => collect(events.readAll())],
    ['streamHead', () => events.streamHead(one)],
    ['head', () => events.head()],
    ['claimHolders', () => events.claimHolders(['a:b'])],
    ['forgetCommandIds', () => events.forgetCommandIds('2026-01-01T00:00:00.000Z')],
    ['archive', () => events.archive(one, { version: 1, eventId: newEvent().id })],
    ['watch', () => events.watch(() => {})],
    [
      'snapshots.save',
      () => snapshots.save([{ stream: one, machineHash: 'h', version: 1, eventId: newEvent().id, state: 1 }]),
    ],
    ['snapshots.load', () => snapshots.load(one, 'h')],
    ['snapshots.delete', () => snapshots.delete(one)],
    ['checkpoints.load', () => checkpoints.load('relay')],
    ['checkpoints.save', () => checkpoints.save('relay', { position: 1 }, fence)],
    ['cursors.load', () => cursors.load('s', [one])],
    ['cursors.advance', () => cursors.advance([{ from: cursor, version: 1, state: { kind: 'live' } }])],
    ['cursors.parked', () => cursors.parked({ limit: 1 })],
    ['cursors.findParked', () => cursors.findParked('id')],
    ['cursors.redriving', () => cursors.redriving('s', 1)],
    ['cursors.countParked', () => cursors.countParked()],
    ['cursors.deleteAll', () => cursors.deleteAll('s')],
    ['leases.read', () => leases.read('l')],
    ['leases.take', () => leases.take('l', 'a', { token: 0, beat: 0 })],
    ['leases.beat', () => leases.beat(fence)],
    ['leases.release', () => leases.release(fence)],
    ['transfer.records', () => collect(store.transfer.records())],
    ['transfer.restore', () => store.transfer.restore({ events: [], records: [] })],
    ['readModels.open', () => readModels.open({ name: 'rows', hash: 'a' }, fence)],
    ['readModels.begin', () => readModels.begin({ name: 'rows', hash: 'a' }, fence)],
    ['readModels.swap', () => readModels.swap('rows', 1, fence)],
    ['readModels.status', () => readModels.status('rows')],
    ['readModels.get', () => readModels.get('rows', 'a')],
    ['readModels.page', () => readModels.page('rows', { limit: 1 })],
    ['readModels.search', () => readModels.search('rows', 'a', 1)],
    ['readModels.totals', () => readModels.totals('rows')],
    ['readModels.faulty', () => readModels.faulty('rows', 1)],
  ];
}
