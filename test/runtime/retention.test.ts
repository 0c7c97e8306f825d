import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { memoryBus } from '../../src/adapters/buses/memory.ts';
import { memoryStore } from '../../src/adapters/stores/memory/memory.ts';
import { sqliteStore } from '../../src/adapters/stores/sqlite/sqlite.ts';
import { failure } from '../../src/kernel/errors.ts';
import type { CursorState } from '../../src/ports/coordination.ts';
import type { Store } from '../../src/ports/store.ts';
import { silentLogger, silentTelemetry } from '../../src/ports/telemetry.ts';
import { createProcessor } from '../../src/runtime/processor.ts';
import { createRetention, type Followers, type Retention, retentionCheckpoint } from '../../src/runtime/retention.ts';
import { defaultSettings } from '../../src/runtime/settings.ts';
import { account } from '../../src/testing/actors/account.ts';
import { createSimulatedClock, type SimulatedClock } from '../../src/testing/simulated-clock.ts';
import { collect, commit, newEvent, newEvents } from '../../src/testing/store-fixtures.ts';
import { assertFoldOfLog, tally } from '../../src/testing/subscriptions/tally.ts';

const dayMs = 86_400_000;
const hourMs = 3_600_000;
const stream = (id: string) => ({ type: 'Account', id });

/** A store, and the workers that archive in it what is older than 30 days. */
interface World {
  readonly clock: SimulatedClock;
  readonly store: Store;
  /** The ids of the streams that were archived, each time. */
  readonly archived: string[];
  /** A worker that follows the log with these, and has published all of it. */
  started(followers?: Partial<Record<keyof Followers, readonly string[]>>, store?: Store): Promise<Retention>;
  ended(retention: Retention): Promise<void>;
  /** Lets so many hours pass, and a minute for what is done then. */
  hours(count: number): Promise<void>;
  withTime<T>(promise: Promise<T>): Promise<T>;
  /** Appends as an actor would have, so many days ago. */
  lived(id: string, daysAgo: number, ...types: readonly string[]): Promise<void>;
  /** Says that a reader of the log has come that far. */
  passed(name: string, position: number): Promise<void>;
}

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

async function worldOf(kind: 'memory' | 'sqlite'): Promise<World> {
  const clock = createSimulatedClock();
  const directory = await mkdtemp(join(tmpdir(), 'statewright-retention-'));
  const own =
    kind === 'memory' ? memoryStore({ clock }) : sqliteStore({ file: join(directory, 'statewright.db'), clock });
  const archived: string[] = [];
  const archive: Store['events']['archive'] = async (id, at) => {
    const done = await own.events.archive(id, at);
    if (done) archived.push(id.id);
    return done;
  };
  const watched: Store = { ...own, events: { ...own.events, archive }, close: async () => {} };
  const running = new Set<Retention>();
  let workers = 0;

  const withTime: World['withTime'] = async (promise) => {
    let settled = false;
    const settling = promise.finally(() => {
      settled = true;
    });
    settling.catch(() => {});
    while (!settled) await clock.advance(100);
    return settling;
  };
  const passed: World['passed'] = async (name, position) => {
    const [event] = await collect(own.events.readAll({ after: position - 1, to: position }));
    const checkpoint = { position, ...(event && { eventId: event.id }) };
    await own.checkpoints.save(name, checkpoint, { lease: name, token: 99 });
  };
  const ended = async (retention: Retention) => {
    running.delete(retention);
    await withTime(retention.stop());
  };
  cleanups.push(async () => {
    for (const retention of running) await ended(retention);
    await own.close();
    await rm(directory, { recursive: true });
  });

  return {
    clock,
    store: watched,
    archived,
    async started({ projections = [], subscriptions = [] } = {}, store = watched) {
      workers += 1;
      await passed('relay', await own.events.head());
      const context = {
        workerId: `worker-${workers}`,
        store,
        bus: memoryBus(),
        clock,
        telemetry: silentTelemetry,
        logger: silentLogger,
        settings: { ...defaultSettings, retentionDays: 30 },
        aggregates: new Map([[account.name, account]]),
        send: () => Promise.reject(failure('INTERNAL', { expected: 'no command' })),
      };
      const retention = createRetention(context, {
        projections: () => projections,
        subscriptions: () => subscriptions,
      });
      running.add(retention);
      retention.start();
      return retention;
    },
    ended,
    hours: (count) => clock.advance(count * hourMs + 60_000),
    withTime,
    async lived(id, daysAgo, ...types) {
      clock.stepWallClock(-daysAgo * dayMs);
      for (const type of types) {
        const data = type === 'Opened' ? { name: id } : type === 'Deposited' ? { amount: 1 } : {};
        await commit(own, stream(id), 'any', newEvents(1, type, data));
      }
      clock.stepWallClock(daysAgo * dayMs);
    },
    passed,
  };
}

async function place(store: Store, subscription: string, id: string, version: number, state: CursorState) {
  const [from] = await store.cursors.load(subscription, [stream(id)]);
  const [result] = from === undefined ? [] : await store.cursors.advance([{ from, version, state }]);
  expect(result?.moved).toBe(true);
}

const parkedAt = (version: number): CursorState => ({
  kind: 'parked',
  id: `letter-${version}`,
  eventId: newEvent().id,
  eventType: 'Closed',
  position: version,
  code: 'HANDLER_FAILED',
  cause: 'a bug',
  attempts: 3,
  parkedAt: '2026-01-01T00:00:00.000Z',
});

describe.each(['memory', 'sqlite'] as const)('retention on %s', (kind) => {
  it('archives what ended more than the days ago, and nothing else', async () => {
    const { clock, store, lived, started, hours, archived } = await worldOf(kind);
    clock.stepWallClock(-41 * dayMs);
    await commit(store, { type: 'Stranger', id: 'stranger' }, 'none', newEvents(2, 'Closed'));
    clock.stepWallClock(41 * dayMs);
    await lived('ended', 40, 'Opened', 'Deposited', 'Closed');
    await lived('open', 40, 'Opened', 'Deposited');
    await lived('late', 35, 'Opened');
    await lived('just', 30.01, 'Opened', 'Closed');
    await lived('young', 29.95, 'Opened', 'Closed');
    await lived('late', 1, 'Closed');
    const before = await collect(store.events.readAll());
    await started();
    await hours(0.9);
    expect(archived).toEqual([]);
    await hours(0.1);
    expect(archived).toEqual(['ended', 'just']);
    expect(await collect(store.events.readAll())).toEqual(before);
    await hours(1);
    expect(archived).toEqual(['ended', 'just', 'young']);
  });

  it('leaves a stream alone that has a dead letter, until it is handled; others are not held up', async () => {
    const { store, lived, started, ended, hours, archived, passed } = await worldOf(kind);
    for (const id of ['a', 'b', 'c']) await lived(id, 40, 'Opened', 'Closed');
    for (const id of ['a', 'c']) await place(store, 'mails', id, 2, { kind: 'live' });
    await place(store, 'mails', 'b', 1, parkedAt(2));
    await passed('low-water:mails', 6);
    const first = await started({ subscriptions: ['mails'] });
    await hours(1);
    expect(archived).toEqual(['a', 'c']);
    expect(await store.checkpoints.load(retentionCheckpoint)).toMatchObject({ position: 3 });
    await ended(first);
    archived.splice(0);
    // A worker that doesn't know the subscription leaves it alone as well.
    const second = await started();
    await hours(1);
    expect(archived).not.toContain('b');
    await place(store, 'mails', 'b', 1, { kind: 'redriving' });
    await ended(second);
    await started({ subscriptions: ['mails'] });
    await hours(1);
    expect(archived).not.toContain('b');
    await place(store, 'mails', 'b', 2, { kind: 'live' });
    await hours(1);
    expect(archived).toContain('b');
    expect(await store.checkpoints.load(retentionCheckpoint)).toMatchObject({ position: 6 });
  });
});

describe('retention', () => {
  it('goes on where it was, on whichever worker, and does nothing twice', async () => {
    const { store, lived, started, ended, hours, archived } = await worldOf('memory');
    await lived('a', 60, 'Opened', 'Closed');
    const first = await started();
    await hours(1);
    await ended(first);
    expect(archived).toEqual(['a']);
    expect(await store.checkpoints.load(retentionCheckpoint)).toMatchObject({ position: 2 });
    await lived('b', 50, 'Opened', 'Closed');
    await Promise.all([started(), started()]);
    await hours(2);
    expect(archived).toEqual(['a', 'b']);
  });

  it('in a processor: a read model is rebuilt from archive and log, and an archived aggregate is folded', async () => {
    const { clock, store, lived, hours, archived, withTime } = await worldOf('memory');
    for (let at = 0; at < 10; at += 1) {
      await lived(`a${at}`, 40, 'Opened', 'Deposited', ...(at % 2 === 0 ? ['Closed'] : []));
    }
    await lived('young', 2, 'Opened');
    const processor = createProcessor({
      store,
      bus: memoryBus(),
      clock,
      aggregates: [account],
      projections: [tally('tally')],
      subscriptions: [{ name: 'mails', on: ['Account.Closed'], handle: async () => {} }],
      settings: { retentionDays: 30 },
    });
    cleanups.push(() => withTime(processor.drain()));
    await withTime(processor.start());
    await hours(1);
    expect(archived).toHaveLength(5);
    await assertFoldOfLog(store, 'tally');
    const generation = (await store.readModels.status('tally'))?.live.generation;
    await withTime(processor.projections.rebuild('tally'));
    expect((await store.readModels.status('tally'))?.live.generation).not.toBe(generation);
    await assertFoldOfLog(store, 'tally');
    expect(await withTime(processor.read(stream('a0')))).toMatchObject({ status: 'done', context: { balance: 1 } });
    const refused = await withTime(processor.send({ stream: stream('a0'), type: 'Deposit', data: { amount: 1 } }));
    expect(refused).toMatchObject({ status: 'refused', code: 'CLOSED' });
  });

  it('waits for the relay, for subscriptions and for read models that are behind', async () => {
    const { store, lived, started, hours, archived, passed } = await worldOf('memory');
    for (const id of ['a', 'b', 'c', 'd', 'e']) await lived(id, 40, 'Opened', 'Closed');
    await started({ subscriptions: ['mails', 'pushes'], projections: ['users'] });
    await passed('low-water:mails', 9);
    await passed('low-water:pushes', 2);
    await hours(1);
    // A read model that was never opened is behind everything.
    expect(archived).toEqual([]);
    const fence = { lease: 'users', token: 99 };
    const generation = await store.readModels.open({ name: 'users', hash: 'a' }, fence);
    await generation.commit({ upserts: [], deletes: [], checkpoint: { position: 10 }, fence });
    await hours(1);
    expect(archived).toEqual(['a']);
    await passed('low-water:pushes', 10);
    await passed('relay', 4);
    await hours(1);
    expect(archived).toEqual(['a', 'b']);
    await passed('relay', 10);
    const building = await store.readModels.begin({ name: 'users', hash: 'b' }, fence);
    await building.commit({ upserts: [], deletes: [], checkpoint: { position: 6 }, fence });
    await hours(1);
    expect(archived).toEqual(['a', 'b', 'c']);
    await store.readModels.swap('users', building.number, fence);
    await building.commit({ upserts: [], deletes: [], checkpoint: { position: 10 }, fence });
    await hours(1);
    // Mails stand at 9, before the last of e.
    expect(archived).toEqual(['a', 'b', 'c', 'd']);
  });

  it('begins anew when the log is not the one that it walked', async () => {
    const { store, lived, started, hours, archived } = await worldOf('memory');
    await lived('a', 40, 'Opened', 'Closed');
    const fence = { lease: retentionCheckpoint, token: 0 };
    await store.checkpoints.save(retentionCheckpoint, { position: 2, eventId: newEvent().id }, fence);
    await started();
    await hours(1);
    expect(archived).toEqual(['a']);
  });

  it('tries again an hour later when the store did not answer, and keeps in mind what it could not fold', async () => {
    const { store, lived, started, hours, archived } = await worldOf('memory');
    await lived('a', 41, 'Opened', 'Closed');
    await lived('odd', 41, 'Deposited');
    for (const id of ['b', 'c']) await lived(id, 40, 'Opened', 'Closed');
    let away = true;
    const archive: Store['events']['archive'] = async (id, at) => {
      if (away && id.id === 'b') throw failure('STORE_UNAVAILABLE');
      return store.events.archive(id, at);
    };
    await started({}, { ...store, events: { ...store.events, archive } });
    await hours(1);
    expect(archived).toEqual(['a']);
    away = false;
    await hours(1);
    expect(archived).toEqual(['a', 'b', 'c']);
    expect(await store.checkpoints.load(retentionCheckpoint)).toMatchObject({ position: 2 });
  });

  it('looks at a long log in batches, and yields between them', async () => {
    const { store, lived, started, archived, clock } = await worldOf('memory');
    clock.stepWallClock(-41 * dayMs);
    const many = Array.from({ length: 1_200 }, (_, at) => ({ stream: stream(`open-${at}`), at }));
    for (const { stream } of many) await commit(store, stream, 'none', newEvents(1, 'Opened', { name: stream.id }));
    clock.stepWallClock(41 * dayMs);
    await lived('ended', 40, 'Opened', 'Closed');
    await started();
    await clock.advance(hourMs);
    expect(archived).toEqual([]);
    for (let step = 0; step < 10; step += 1) await clock.advance(100);
    expect(archived).toEqual(['ended']);
  });

  it('does not start when it was stopped first, and stops in the middle of an hour', async () => {
    const { lived, started, ended, hours, archived, clock } = await worldOf('memory');
    await lived('a', 40, 'Opened', 'Closed');
    const retention = await started();
    await ended(retention);
    retention.start();
    await hours(2);
    expect(archived).toEqual([]);
    expect(clock.waiting).toBe(0);
  });

  it('archives exactly what a model says, however lives lie in time', async () => {
    const event = fc.record({ id: fc.integer({ min: 0, max: 5 }), close: fc.boolean(), days: fc.nat(20) });
    const run = async (steps: readonly { id: number; close: boolean; days: number }[]) => {
      const { lived, started, ended, hours, archived } = await worldOf('memory');
      const lives = new Map<string, { readonly ago: number; readonly closed: boolean }>();
      let ago = steps.reduce((sum, { days }) => sum + days, 0) + 1;
      for (const { id, close, days } of steps) {
        ago -= days;
        const name = `a${id}`;
        const known = lives.get(name);
        if (known?.closed) continue;
        await lived(name, ago, known === undefined ? 'Opened' : close ? 'Closed' : 'Deposited');
        lives.set(name, { ago, closed: known !== undefined && close });
      }
      const retention = await started();
      await hours(1);
      await ended(retention);
      const expected = [...lives].filter(([, { closed, ago }]) => closed && ago >= 30).map(([name]) => name);
      expect(archived.toSorted()).toEqual(expected.toSorted());
    };
    await fc.assert(fc.asyncProperty(fc.array(event, { maxLength: 25 }), run), { numRuns: 50 });
  }, 60_000);
});
