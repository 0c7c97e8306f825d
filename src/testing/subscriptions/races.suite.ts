import assert from 'node:assert/strict';
import { failure } from '../../kernel/errors.ts';
import type { RecordedEvent } from '../../kernel/message.ts';
import type { EventBus } from '../../ports/event-bus.ts';
import { lowWaterOf } from '../../runtime/sweep.ts';
import type { StoreCase } from '../store-subject.ts';
import { assertInOrder, recorder } from './recorder.ts';
import { inWorld } from './world.ts';

/** What holds when two hands reach for one stream. */
export const raceCases: readonly StoreCase[] = [
  {
    name: 'who handled an event late, after another went on, moves no cursor back and goes on from there',
    alone: true,
    run: ({ store, stream }) =>
      inWorld(store, async (world) => {
        const one = stream();
        const bus = everybodysBus();
        const handled: RecordedEvent[] = [];
        const [begun, late] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
        const waits = () => {
          begun.resolve();
          return late.promise;
        };
        const slow = recorder('recorder', waits, handled);
        // Whose store is quicker must not decide whether the slow one begins at all.
        const quick = recorder('recorder', () => begun.promise, handled);
        for (const { definition } of [slow, quick]) await world.worker({ bus, subscriptions: [definition] }).start();
        await world.append(one, 5);
        await world.until(() => handled.length === 5, 'the quick one has handled all');
        late.resolve();
        await world.clock.advance(20_000);
        assert.deepEqual(
          handled.map(({ version }) => version),
          [1, 2, 3, 4, 5, 1],
        );
        const [cursor] = await store.cursors.load('recorder', [one]);
        assert.equal(cursor?.version, 5);
        await assertInOrder(store, handled);
      }),
  },
  {
    name: 'the low-water mark does not pass what comes to a stream while it is redriven',
    alone: true,
    run: ({ store, stream }) =>
      inWorld(store, async (world) => {
        const [bad, other] = [stream(), stream()];
        const gate = Promise.withResolvers<void>();
        let broken = true;
        const { definition, count } = recorder('recorder', async (event) => {
          if (event.stream.id !== bad.id) return;
          if (broken) throw failure('HANDLER_FAILED');
          await gate.promise;
        });
        const worker = world.worker({ subscriptions: [definition] });
        await worker.start();
        const mark = async () => (await store.checkpoints.load(lowWaterOf('recorder')))?.position;
        await world.append(bad, 2);
        await world.append(other, 2);
        await world.until(async () => (await mark()) === 4, 'it passes what waits behind a parked event');
        broken = false;
        assert.equal(await worker.deadLetters.redriveAll(), 1);
        await world.append(bad, 1);
        await world.append(other, 1);
        await world.until(() => count() === 3, 'the other stream goes on');
        await world.clock.advance(60_000);
        assert.equal(await mark(), 4);
        gate.resolve();
        await world.until(async () => (await mark()) === 6, 'it moves on when that is handled');
        assert.equal(count(), 6);
      }),
  },
];

/** A bus between processes at its worst: each of the group gets everything. */
function everybodysBus(): EventBus {
  const handlers = new Set<(event: RecordedEvent) => Promise<void>>();
  return {
    provider: 'everybody',
    features: { crossProcess: true, durable: false },
    async publish(events) {
      for (const event of events) for (const handle of handlers) handle(event).catch(() => {});
    },
    async subscribe(_, handle) {
      handlers.add(handle);
      return {
        async close() {
          handlers.delete(handle);
        },
      };
    },
    async ping() {},
    async close() {},
  };
}
