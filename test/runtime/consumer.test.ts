import { expect, test } from 'vitest';
import { memoryStore } from '../../src/adapters/stores/memory/memory.ts';
import { failure } from '../../src/kernel/errors.ts';
import type { EventBus } from '../../src/ports/event-bus.ts';
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
