import assert from 'node:assert/strict';
import { failure } from '../../kernel/errors.ts';
import type { StoreCase } from '../store-subject.ts';
import { recorder } from './recorder.ts';
import { inWorld } from './world.ts';

/** What holds of who handles, of tries, and of stopping. */
export const stoppingCases: readonly StoreCase[] = [
  {
    name: 'on a bus that lies within one process, only the worker with the relay handles',
    alone: true,
    run: ({ store, stream }) =>
      inWorld(store, async (world) => {
        const [first, second] = [recorder('recorder'), recorder('recorder')];
        const relaying = world.worker({ subscriptions: [first.definition] });
        await relaying.start();
        await world.append(stream());
        await world.until(() => first.count() === 1, 'the first handles');
        await world.worker({ subscriptions: [second.definition] }).start();
        for (let at = 0; at < 20; at += 1) await world.append(stream());
        await world.until(() => first.count() === 21, 'the first handles all');
        await world.passing(relaying.stop());
        await world.append(stream());
        await world.until(() => second.count() === 1, 'the second took over', 10_000);
        assert.deepEqual([first.handled.length, second.handled.length], [21, 1]);
      }),
  },
  {
    name: 'a failure of no known kind parks after RETRY_ATTEMPTS tries, not before',
    alone: true,
    run: ({ store, stream }) =>
      inWorld(store, async (world) => {
        const attempts: number[] = [];
        const { definition } = recorder('recorder', (_, { attempt }) => {
          attempts.push(attempt);
          throw new TypeError('a bug');
        });
        const worker = world.worker({ subscriptions: [definition] });
        await worker.start();
        await world.append(stream());
        const letters = () => worker.deadLetters.list({ limit: 10 });
        await world.until(async () => (await letters()).length === 1, 'it is parked');
        const [letter] = await letters();
        assert.deepEqual([attempts, letter?.attempts, letter?.code], [[1, 2, 3], 3, 'HANDLER_FAILED']);
        assert.equal(worker.counts().deadLettered, 1);
      }),
  },
  {
    name: 'stopping waits for what is in a handler and counts it; what only waits is nobody’s attempt',
    alone: true,
    run: ({ store, stream }) =>
      inWorld(store, async (world) => {
        const [slow, refused] = [stream(), stream()];
        const finish = Promise.withResolvers<void>();
        const first = recorder('recorder', async (event, { attempt }) => {
          if (event.stream.id === refused.id) throw failure('DRAINING');
          if (attempt === 1) throw failure('CHANNEL_UNAVAILABLE');
          await finish.promise;
        });
        const stopping = world.worker({ subscriptions: [first.definition] });
        await stopping.start();
        await world.append(slow);
        await world.append(refused);
        await world.until(() => first.begun() > 6, 'both are tried, one of them again and again');
        const stopped = stopping.stop();
        await world.clock.advance(1_000);
        finish.resolve();
        await world.passing(stopped);
        assert.deepEqual(first.versions(slow), [1]);
        assert.equal((await store.cursors.countParked()).size, 0);
        const second = recorder('recorder');
        await world.worker({ subscriptions: [second.definition] }).start();
        await world.until(() => second.count() === 1, 'the other is handled');
        await world.clock.advance(30_000);
        assert.deepEqual([second.versions(refused), second.versions(slow)], [[1], []]);
      }),
  },
];
