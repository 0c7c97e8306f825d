import { afterEach, expect, test } from 'vitest';
import { memoryStore } from '../../src/adapters/stores/memory/memory.ts';
import type { Fence } from '../../src/ports/coordination.ts';
import type { Store } from '../../src/ports/store.ts';
import { silentLogger } from '../../src/ports/telemetry.ts';
import { holdLease, type LeaseKeeper } from '../../src/runtime/lease.ts';
import { defaultSettings } from '../../src/runtime/settings.ts';
import { createSimulatedClock, type SimulatedClock } from '../../src/testing/simulated-clock.ts';
import { createLifeline } from '../../src/testing/subscriptions/lifeline.ts';

const leaseMs = defaultSettings.leaseMs;
const keepers: { readonly keeper: LeaseKeeper; readonly clock: SimulatedClock; alive: boolean }[] = [];

afterEach(async () => {
  for (const { keeper, clock, alive } of keepers.splice(0)) if (alive) await passing(keeper.stop(), clock);
});

async function passing(promise: Promise<void>, ...clocks: readonly SimulatedClock[]): Promise<void> {
  let settled = false;
  promise.finally(() => {
    settled = true;
  });
  while (!settled) for (const clock of clocks) await clock.advance(100);
}

/** A worker that bids for the lease; tells when it works, and with which fence. */
function bidder(store: Store, clock: SimulatedClock, workerId: string) {
  const life = createLifeline(store);
  const working: Fence[] = [];
  const keeper = holdLease(
    { clock, logger: silentLogger, settings: defaultSettings, store: life.store, workerId },
    'lease',
    async (fence, signal) => {
      working.push(fence);
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      working.pop();
    },
  );
  const entry = { keeper, clock, alive: true };
  keepers.push(entry);
  const kill = () => {
    entry.alive = false;
    life.kill();
  };
  return { keeper, working, life, kill };
}

/** Lets both workers' time pass, in steps. */
async function advance(durationMs: number, ...clocks: readonly SimulatedClock[]): Promise<void> {
  for (let elapsedMs = 0; elapsedMs < durationMs; elapsedMs += 100) {
    for (const clock of clocks) await clock.advance(100);
  }
}

test('one of several works, and keeps the lease as long as it lives', async () => {
  const [store, clock] = [memoryStore(), createSimulatedClock()];
  const workers = ['a', 'b', 'c'].map((id) => bidder(store, clock, id));
  await advance(1_000, clock);
  const holder = workers.findIndex(({ working }) => working.length === 1);
  const [fence] = workers[holder]?.working ?? [];
  for (let minute = 0; minute < 10; minute += 1) {
    await advance(60_000, clock);
    expect(workers.map(({ working }) => working.length)).toEqual(workers.map((_, at) => (at === holder ? 1 : 0)));
  }
  expect(workers[holder]?.working[0]).toBe(fence);
});

test('clocks that are an hour apart and step do no harm', async () => {
  const store = memoryStore();
  const [early, late] = [createSimulatedClock(0), createSimulatedClock(3_600_000)];
  const [a, b] = [bidder(store, early, 'a'), bidder(store, late, 'b')];
  await advance(1_000, early, late);
  const before = [a.working.length, b.working.length];
  expect(before).toContain(1);
  for (const byMs of [7_200_000, -7_200_000, 3_600_000]) {
    early.stepWallClock(byMs);
    late.stepWallClock(-byMs);
    await advance(30_000, early, late);
    expect([a.working.length, b.working.length]).toEqual(before);
  }
});

test('a dead one’s lease is taken after its time, not before', async () => {
  const [store, clock] = [memoryStore(), createSimulatedClock()];
  const dead = bidder(store, clock, 'dead');
  await advance(1_000, clock);
  expect(dead.working.length).toBe(1);
  const next = bidder(store, clock, 'next');
  dead.kill();
  await advance(leaseMs - 500, clock);
  expect(next.working.length).toBe(0);
  await advance(leaseMs, clock);
  expect(next.working.length).toBe(1);
});

test('a paused one may believe that it holds, but what it writes is fenced and it soon knows', async () => {
  const [store, clock, other] = [memoryStore(), createSimulatedClock(), createSimulatedClock()];
  const paused = bidder(store, clock, 'paused');
  await advance(1_000, clock);
  const [old] = paused.working;
  if (old === undefined) throw new Error('It never worked.');
  // Its process stands still: its own time does not pass.
  const next = bidder(store, other, 'next');
  await advance(3 * leaseMs, other);
  expect(next.working.length).toBe(1);
  expect(paused.keeper.fence()).toEqual(old);
  await expect(store.checkpoints.save('checkpoint', { position: 0 }, old)).rejects.toMatchObject({ code: 'FENCED' });
  await advance(leaseMs, clock, other);
  expect(paused.keeper.fence()).toBeUndefined();
  expect([paused.working.length, next.working.length]).toEqual([0, 1]);
});

test('one that stops hands the lease over at once', async () => {
  const [store, clock] = [memoryStore(), createSimulatedClock()];
  const first = bidder(store, clock, 'first');
  await advance(1_000, clock);
  const next = bidder(store, clock, 'next');
  await advance(1_000, clock);
  await passing(first.keeper.stop(), clock);
  await advance(leaseMs / 3 + 100, clock);
  expect(next.working.length).toBe(1);
});

test('work that ends by itself begins again, not in a busy loop', async () => {
  const [store, clock] = [memoryStore(), createSimulatedClock()];
  let begun = 0;
  const keeper = holdLease(
    { clock, logger: silentLogger, settings: defaultSettings, store, workerId: 'one' },
    'lease',
    async () => {
      begun += 1;
      throw new Error('a bug');
    },
  );
  keepers.push({ keeper, clock, alive: true });
  await advance(60_000, clock);
  expect(begun).toBeGreaterThan(10);
  expect(begun).toBeLessThan(60);
});
