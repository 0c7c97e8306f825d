import assert from 'node:assert/strict';
import { afterEach, test } from 'vitest';
import { mongodbStore } from '../../../src/adapters/stores/mongodb/mongodb.ts';
import { isFailure } from '../../../src/kernel/errors.ts';
import type { CursorState } from '../../../src/ports/coordination.ts';
import type { AppendEntry, AppendOutcome } from '../../../src/ports/event-store.ts';
import type { Store } from '../../../src/ports/store.ts';
import { collect, newCommand, newEvent, newEvents } from '../../../src/testing/store-fixtures.ts';
import { takeOver } from '../../../src/testing/stores/checkpoints.suite.ts';
import { allPages, newRow } from '../../../src/testing/stores/read-model-rows.ts';
import { describeWithServer } from '../../servers/environment.ts';
import { type StoppingProxy, startStoppingProxy } from './mongodb/stopping-proxy.ts';
import { databaseOn } from './mongodb.subjects.ts';

const [one, two, other] = ['one', 'two', 'other'].map((id) => ({ type: 'Account', id })) as [
  AppendEntry['stream'],
  AppendEntry['stream'],
  AppendEntry['stream'],
];
const shape = { name: 'rows', hash: 'hash' };
const shards = 8;

/** What the writer was told: per step the answer, or the code of an error. */
type Told = Map<string, unknown>;

/** What the writer knows before anything happens: from then on it only writes. */
async function prepare(store: Store) {
  const fence = await takeOver(store, 'rows', 'writer');
  const generation = await store.readModels.open(shape, fence);
  const [from] = await store.cursors.load('mails', [one]);
  assert.ok(from);
  return { fence, generation, from };
}

/** Something of everything that writes. */
async function live(
  store: Store,
  { fence, generation, from }: Awaited<ReturnType<typeof prepare>>,
  first: readonly AppendEntry[],
): Promise<Told> {
  const told: Told = new Map();
  const step = async <Result>(name: string, work: () => Promise<Result>): Promise<Result | undefined> => {
    try {
      const result = await work();
      told.set(name, result ?? 'done');
      return result;
    } catch (error) {
      assert.ok(isFailure(error, 'STORE_UNAVAILABLE', 'FENCED'), `${name}: ${String(error)}`);
      told.set(name, error.code);
      return undefined;
    }
  };
  const [x, y, z] = [1, 2, 4].map((n, at) => newRow('xyz'[at] ?? '', { value: 'writer', totals: { n } }));
  assert.ok(x && y && z);
  await step('append', () => store.events.append(first));
  await step('release', () =>
    store.events.append([
      { stream: one, expected: 'exists', events: newEvents(1), release: ['email:one'], take: ['email:late'] },
    ]),
  );
  await step('rows', () => generation.commit({ upserts: [x, y], deletes: [], checkpoint: { position: 1 }, fence }));
  const changed = { ...x, totals: { n: 8 } };
  await step('more rows', () =>
    generation.commit({ upserts: [changed, z], deletes: ['y'], checkpoint: { position: 2 }, fence }),
  );
  await step('save', () => store.checkpoints.save('low', { position: 7 }, fence));
  const parked = await step('park', () => store.cursors.advance([{ from, version: 1, state: letter }]));
  const there = parked?.[0];
  if (there?.moved) {
    await step('redrive', () =>
      store.cursors.advance([{ from: there.cursor, version: 2, state: { kind: 'redriving' } }]),
    );
  }
  await step('archive', () => store.events.archive(two, { version: 3, eventId: first[1]?.events[2]?.id ?? unknown }));
  await step('snapshot', () =>
    store.snapshots.save([{ stream: one, machineHash: 'h', version: 2, eventId: unknown, state: 1 }]),
  );
  await store.close();
  return told;
}

const unknown = newEvent().id;

const letter: CursorState = {
  kind: 'parked',
  id: 'letter',
  eventId: unknown,
  eventType: 'Happened',
  position: 1,
  code: 'CHANNEL_REJECTED',
  cause: 'No such mailbox.',
  attempts: 1,
  parkedAt: '2026-01-02T03:04:05.678Z',
};

/** Another instance takes everything over; gives what it was told. */
async function takeAllOver(store: Store) {
  const [outcome] = await store.events.append([
    { stream: other, expected: 'any', events: newEvents(2), take: ['email:one'], command: newCommand() },
  ]);
  const [added] = await store.events.append([{ stream: one, expected: 'any', events: newEvents(1) }]);
  assert.equal(added?.kind, 'committed');
  const fence = await takeOver(store, 'rows', 'other');
  const generation = await store.readModels.open(shape, fence);
  const { position } = await generation.checkpoint();
  const upserts = [newRow('x', { value: 'other', totals: { n: 10 } })];
  await generation.commit({ upserts, deletes: ['z'], checkpoint: { position: position + 10 }, fence });
  await generation.commit({
    upserts: [newRow('w', { totals: { n: 20 } })],
    deletes: [],
    checkpoint: { position: position + 11 },
    fence,
  });
  await store.checkpoints.save('low', { position: 50 }, fence);
  const [from] = await store.cursors.load('mails', [one]);
  assert.ok(from);
  const [moved] = await store.cursors.advance([{ from, version: 9, state: { kind: 'live' } }]);
  assert.ok(moved?.moved, 'the cursor could not be moved from where it was told to be');
  return {
    outcome,
    checkpoint: { position: position + 11 },
    cursor: moved.cursor,
    lease: await store.leases.read('rows'),
  };
}

async function check(
  store: Store,
  first: readonly AppendEntry[],
  told: Told,
  taken: Awaited<ReturnType<typeof takeAllOver>>,
): Promise<void> {
  const log = await collect(store.events.readAll());
  assert.deepEqual(
    log.map(({ position }) => position),
    log.map((_, at) => at + 1),
  );
  for (const stream of [one, two, other]) {
    const own = log.filter((event) => event.stream.id === stream.id);
    assert.deepEqual(await collect(store.events.readStream(stream)), own);
    assert.deepEqual(
      own.map(({ version }) => version),
      own.map((_, at) => at + 1),
    );
    assert.equal((await store.events.streamHead(stream)).version, own.length);
  }
  const ids = new Set(log.map(({ id }) => id));
  assert.equal(ids.size, log.length);
  const isThere = first.map(({ events }) => events.every(({ id }) => ids.has(id)));
  if (committed(told.get('append'))) assert.deepEqual(isThere, [true, true], 'an acknowledged append is lost');
  const again = await store.events.append(first);
  for (const [at, { kind }] of again.entries()) {
    // What is not there is stored now, or comes too late.
    assert.equal(kind === 'duplicate', isThere[at], `sent again: ${kind}`);
  }

  const holders = await store.events.claimHolders(['email:one', 'email:late']);
  if (taken.outcome?.kind === 'committed') assert.deepEqual(holders.get('email:one'), other);
  else assert.notDeepEqual(holders.get('email:one'), other);
  if (committed(told.get('release'))) {
    assert.deepEqual(holders.get('email:late'), one);
    assert.notDeepEqual(holders.get('email:one'), one);
  }

  const rows = await allPages(store, 'rows', { limit: 2 });
  assert.equal(rows.find(({ id }) => id === 'x')?.value, 'other');
  assert.deepEqual(
    rows.map(({ id }) => id).filter((id) => id === 'z'),
    [],
  );
  const sum = rows.reduce((total, { totals }) => total + (totals.n ?? 0), 0);
  assert.deepEqual(await store.readModels.totals('rows'), { n: sum });
  assert.deepEqual((await store.readModels.status('rows'))?.live.checkpoint, taken.checkpoint);
  assert.deepEqual(await store.checkpoints.load('low'), { position: 50 });
  assert.deepEqual(await store.leases.read('rows'), taken.lease);
  assert.deepEqual(await store.cursors.load('mails', [one]), [taken.cursor]);
  assert.deepEqual([await store.cursors.parked({ limit: 9 }), await store.cursors.redriving('mails', 9)], [[], []]);
}

const committed = (outcomes: unknown) =>
  Array.isArray(outcomes) && (outcomes as readonly AppendOutcome[]).every(({ kind }) => kind === 'committed');

for (const [name, variable] of [
  ['mongo-java-server', 'TEST_MONGO_JAVA_URL'],
  ['ferretdb', 'TEST_FERRETDB_URL'],
] as const) {
  describeWithServer(variable, `mongodb on ${name}: interrupted between any two writes`, (server) => {
    const endings: (() => Promise<unknown>)[] = [];
    afterEach(async () => {
      for (const end of endings.splice(0).reverse()) await end();
    });

    const open = async (url: string, patienceMs: number) => {
      const store = await mongodbStore({ url, patienceMs, answerMs: 20_000 });
      endings.push(() => store.close());
      return store;
    };

    /** False when there is no such write any more. */
    const interrupt = async (write: number, then: (proxy: StoppingProxy) => void): Promise<boolean> => {
      const url = databaseOn(server);
      const proxy = await startStoppingProxy(url);
      const writer = await open(proxy.url, 300);
      const first: readonly AppendEntry[] = [
        { stream: one, expected: 'none', events: newEvents(2), command: newCommand(), take: ['email:one'] },
        { stream: two, expected: 'none', events: newEvents(3), command: newCommand() },
      ];
      const known = await prepare(writer);
      const stopped = proxy.stopBefore(proxy.writes() + write);
      const living = live(writer, known, first);
      const isStopped = await Promise.race([stopped.then(() => true), living.then(() => false)]);
      const second = await open(url, 5000);
      if (isStopped) {
        const taken = await takeAllOver(second);
        then(proxy);
        const told = await living;
        const third = await open(url, 5000);
        await check(third, first, told, taken);
      }
      await proxy.die();
      return isStopped;
    };

    const ways: readonly (readonly [string, (proxy: StoppingProxy) => void])[] = [
      ['sleeps', (proxy) => proxy.goOn()],
      ['dies', (proxy) => void proxy.die()],
    ];
    for (const [way, then] of ways) {
      for (let from = 1; from <= shards; from += 1) {
        test(`the writer ${way} before write ${from}, ${from + shards}, …, another takes all over: nothing is wrong`, async () => {
          let write = from;
          while (await interrupt(write, then)) write += shards;
          assert.ok(write > 20, `there were less than ${write} writes`);
        }, 120_000);
      }
    }
  });
}
