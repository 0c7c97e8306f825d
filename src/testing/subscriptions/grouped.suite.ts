import assert from 'node:assert/strict';
import { createRandom } from '../random.ts';
import type { StoreCase } from '../store-subject.ts';
import { losingBus } from './losing-bus.ts';
import { assertInOrder, recorder } from './recorder.ts';
import { inWorld, logOf, sharedBus, type TestWorker } from './world.ts';

/** What holds of grouped subscriptions: each stream in order, each event at least once, none skipped. */
export const groupedCases: readonly StoreCase[] = [
  {
    name: 'a grouped subscription handles what was there before and what comes, each stream in order and once',
    alone: true,
    run: ({ store, stream }) =>
      inWorld(store, async (world) => {
        const streams = Array.from({ length: 5 }, () => stream());
        const { definition, handled, versions } = recorder('recorder');
        for (const one of streams) await world.append(one, 3);
        const worker = world.worker({ subscriptions: [definition] });
        await worker.start();
        for (const one of streams) {
          await world.append(one, 2, 'Unheard');
          await world.append(one, 3);
        }
        await world.until(() => handled.length >= 30, 'all are handled');
        await world.clock.advance(20_000);
        assert.equal(handled.length, 30, 'none twice');
        for (const one of streams) assert.deepEqual(versions(one), [1, 2, 3, 6, 7, 8]);
      }),
  },
  {
    name: 'workers on one bus share the streams, and what one held when it died or stopped is handled by another',
    alone: true,
    run: ({ store, stream }) =>
      inWorld(store, async (world) => {
        const bus = sharedBus(world.clock);
        const { definition, handled, count } = recorder('recorder');
        const workers = Array.from({ length: 3 }, () => world.worker({ bus, subscriptions: [definition] }));
        for (const worker of workers) await worker.start();
        const streams = Array.from({ length: 8 }, () => stream());
        const [first, second] = workers as [TestWorker, TestWorker];
        for (const leaves of [() => first.life.kill(), () => world.passing(second.stop()), () => {}]) {
          for (const one of streams) await world.append(one, 3);
          await leaves();
        }
        await world.until(() => count() === 72, 'all are handled');
        await assertInOrder(store, handled);
      }),
  },
  {
    name: 'whatever the bus drops, repeats and reorders and whoever comes and goes: in order, none skipped (property)',
    alone: true,
    large: true,
    async run({ store, stream }) {
      for (let seed = 1; seed <= 6; seed += 1) {
        await inWorld(store, async (world) => {
          const random = createRandom(seed);
          const bus = losingBus(() => ({
            copies: random.pick([0, 1, 1, 1, 2]),
            delay: random.pick([0, 0, 0, 1, 2, 3]),
            consumer: random.below(6),
          }));
          const { definition, handled, count } = recorder(`seed-${seed}`, async () => {
            if (random.below(10) === 0) throw Object.assign(new Error('no answer'), { code: 'ECONNREFUSED' });
          });
          const worker = () => world.worker({ bus, subscriptions: [definition], settings: { retryDelayMs: 10 } });
          const streams = Array.from({ length: 4 }, () => stream());
          const workers = [worker(), worker()];
          for (const one of workers) await one.start();
          for (let step = 0; step < 60; step += 1) {
            const one = streams[random.below(streams.length)];
            if (one === undefined) continue;
            await world.append(one, 1 + random.below(3), random.below(3) === 0 ? 'Unheard' : 'Happened');
            if (random.below(3) === 0) await world.clock.advance(random.below(500));
            if (random.below(15) > 0) continue;
            const leaving = workers.shift();
            if (random.below(2) === 0) leaving?.life.kill();
            else if (leaving !== undefined) await world.passing(leaving.stop());
            const next = worker();
            workers.push(next);
            await next.start();
          }
          const all = (await logOf(store)).filter(({ type }) => type === 'Happened').length;
          await world.until(() => count() === all, `all are handled with seed ${seed}`, 120_000);
          await assertInOrder(store, handled);
        });
      }
    },
  },
  {
    name: 'what the relay had published on a bus that died with it is handled by the next worker',
    alone: true,
    run: ({ store, stream }) =>
      inWorld(store, async (world) => {
        const one = stream();
        const { definition, handled, count, versions } = recorder('recorder', async (event) => {
          if (event.version === 3 && first.life.alive) await new Promise(() => {});
        });
        const first: TestWorker = world.worker({ subscriptions: [definition] });
        await first.start();
        await world.append(one, 6);
        const published = async () => (await store.checkpoints.load('relay'))?.position === 6;
        await world.until(published, 'the relay has saved its checkpoint');
        await world.until(() => versions(one).length === 2, 'the first two are handled');
        first.life.kill();
        const second = world.worker({ subscriptions: [definition] });
        await second.start();
        await world.until(() => count() === 6, 'the rest is handled, without waiting for the bus', 12_000);
        await assertInOrder(store, handled);
      }),
  },
  {
    name: 'a bus that loses everything costs time, not events',
    alone: true,
    run: ({ store, stream }) =>
      inWorld(store, async (world) => {
        const bus = { ...sharedBus(world.clock), publish: async () => {} };
        const { definition, handled, count } = recorder('recorder');
        await world.worker({ bus, subscriptions: [definition] }).start();
        for (let n = 0; n < 20; n += 1) await world.append(stream(), 5);
        await world.until(() => count() === 100, 'all are handled');
        await assertInOrder(store, handled);
      }),
  },
  {
    name: 'a subscription added while others run gets the log from its beginning',
    alone: true,
    run: ({ store, stream }) =>
      inWorld(store, async (world) => {
        const one = stream();
        const [early, late] = [recorder('early'), recorder('late')];
        const worker = world.worker({ subscriptions: [early.definition] });
        await worker.start();
        await world.append(one, 5);
        await world.until(() => early.count() === 5, 'the first has handled it');
        await worker.subscribe(late.definition);
        await world.until(() => late.count() === 5, 'so has the second, without waiting for the bus', 3_000);
        await world.append(one, 2);
        await world.until(() => late.count() === 7, 'it goes on');
        assert.deepEqual(late.versions(one), [1, 2, 3, 4, 5, 6, 7]);
      }),
  },
  {
    name: 'the low-water mark stands before the first event that is not handled, and moves on when it is',
    alone: true,
    run: ({ store, stream }) =>
      inWorld(store, async (world) => {
        const [slow, quick] = [stream(), stream()];
        const gate = Promise.withResolvers<void>();
        const { definition, count } = recorder('recorder', async (event) => {
          if (event.stream.id === slow.id) await gate.promise;
        });
        const worker = world.worker({ subscriptions: [definition] });
        await worker.start();
        await world.append(quick, 3);
        await world.append(slow, 1);
        await world.append(quick, 3);
        const mark = async () => (await store.checkpoints.load('low-water:recorder'))?.position;
        await world.until(() => count() === 6, 'the others are handled');
        await world.clock.advance(60_000);
        assert.equal(await mark(), 3);
        gate.resolve();
        await world.until(async () => (await mark()) === 7, 'it moves on');
      }),
  },
];
