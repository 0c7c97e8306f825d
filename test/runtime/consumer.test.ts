import { expect, test } from 'vitest';
import { memoryStore } from '../../src/adapters/stores/memory/memory.ts';
import { failure } from '../../src/kernel/errors.ts';
import type { EventBus } from '../../src/ports/event-bus.ts';
import { createProcessor } from '../../src/runtime/processor.ts';
import { createSimulatedClock } from '../../src/testing/simulated-clock.ts';
import { recorder } from '../../src/testing/subscriptions/recorder.ts';
import { inWorld, sharedBus } from '../../src/testing/subscriptions/world.ts';

const stream = { type: 'Account', id: 'a' };

test('one that joins the bus after its subscription stopped leaves it again', async () => {
  await inWorld(memoryStore(), async (world) => {
    const answer = Promise.withResolvers<void>();
    let [joined, left] = [0, 0];
    const bus: EventBus = {
      ...sharedBus(world.clock),
      async subscribe() {
        joined += 1;
        // The first try fails, so that a second is under way when it stops.
        if (joined === 1) throw failure('BUS_UNAVAILABLE');
        await answer.promise;
        return {
          async close() {
            left += 1;
          },
        };
      },
    };
    const worker = world.worker({ bus, subscriptions: [recorder('recorder').definition] });
    const starting = worker.start();
    await world.until(() => joined === 2, 'it joins again');
    await world.passing(Promise.all([starting, worker.stop()]));
    expect(left).toBe(0);
    answer.resolve();
    await world.clock.settle();
    expect(left).toBe(1);
  });
});

test('one that cannot leave the bus holds up no drain', async () => {
  await inWorld(memoryStore(), async (world) => {
    const shared = sharedBus(world.clock);
    const bus: EventBus = {
      ...shared,
      async subscribe(...given) {
        const consumer = await shared.subscribe(...given);
        return {
          async close() {
            await consumer.close();
            throw failure('BUS_UNAVAILABLE');
          },
        };
      },
    };
    const { definition, count } = recorder('recorder');
    const worker = world.worker({ bus, subscriptions: [definition] });
    await worker.start();
    await world.append(stream, 2);
    await world.until(() => count() === 2, 'it handles');
    let stopped = false;
    void worker.stop().then(() => {
      stopped = true;
    });
    await world.until(() => stopped, 'it stops', 5_000);
  });
});

test('a bus that does not answer at the start is waited for a moment, and joined when it does', async () => {
  await inWorld(memoryStore(), async (world) => {
    let down = true;
    const shared = sharedBus(world.clock);
    const bus: EventBus = {
      ...shared,
      async publish(events) {
        if (down) throw failure('BUS_UNAVAILABLE');
        await shared.publish(events);
      },
      async subscribe(...given) {
        if (down) throw failure('BUS_UNAVAILABLE');
        return shared.subscribe(...given);
      },
    };
    const { definition, versions } = recorder('recorder');
    const worker = world.worker({ bus, subscriptions: [definition] });
    let started = false;
    void worker.start().then(() => {
      started = true;
    });
    await world.until(() => started, 'it starts', 6_000);
    await world.append(stream, 2);
    await world.until(() => versions(stream).length === 2, 'the log is read without a bus', 30_000);
    down = false;
    await world.clock.advance(60_000);
    await world.append(stream, 2);
    await world.until(() => versions(stream).length === 4, 'the bus brings them', 2_000);
    expect(versions(stream)).toEqual([1, 2, 3, 4]);
  });
});

test('a drain that overtakes a start that waits for the bus leaves nothing running', async () => {
  const clock = createSimulatedClock();
  const bus: EventBus = {
    ...sharedBus(clock),
    subscribe: () => Promise.reject(failure('BUS_UNAVAILABLE')),
  };
  const { definition } = recorder('recorder');
  const processor = createProcessor({ store: memoryStore(), bus, clock, aggregates: [], subscriptions: [definition] });
  let ended = 0;
  const end = () => {
    ended += 1;
  };
  void processor.start().then(end, end);
  await clock.advance(1_000);
  void processor.drain().then(end, end);
  for (let step = 0; step < 100 && ended < 2; step += 1) await clock.advance(100);
  await clock.advance(60_000);
  expect([ended, clock.waiting]).toEqual([2, 0]);
});
