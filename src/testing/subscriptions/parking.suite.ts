import assert from 'node:assert/strict';
import { failure } from '../../kernel/errors.ts';
import { createRandom } from '../random.ts';
import type { StoreCase } from '../store-subject.ts';
import { assertInOrder, recorder } from './recorder.ts';
import { inWorld, sharedBus, type TestWorker } from './world.ts';

/** The first dead letter; fails when there is none. */
async function deadLetter({ deadLetters }: TestWorker) {
  const [letter] = await deadLetters.list({ limit: 10 });
  assert(letter !== undefined, 'a dead letter');
  return letter;
}

const parkedCount = (worker: TestWorker) => async () => (await worker.deadLetters.list({ limit: 1000 })).length;

/** What holds when a handler fails: passing failures wait, lasting ones park their stream alone. */
export const parkingCases: readonly StoreCase[] = [
  {
    name: 'passing failures are waited out for an hour, and nothing is parked',
    alone: true,
    large: true,
    run: ({ store, stream }) =>
      inWorld(store, async (world) => {
        let down = true;
        const { definition, handled, count } = recorder('recorder', () => {
          if (down) throw failure('CHANNEL_UNAVAILABLE');
        });
        const worker = world.worker({ subscriptions: [definition] });
        await worker.start();
        for (let n = 0; n < 20; n += 1) await world.append(stream(), 2);
        await world.clock.advance(3_600_000);
        assert.equal(await parkedCount(worker)(), 0);
        assert.equal(count(), 0);
        down = false;
        await world.until(() => count() === 40, 'all are handled');
        assert.equal(await parkedCount(worker)(), 0);
        await assertInOrder(store, handled);
      }),
  },
  {
    name: 'a lasting failure parks its stream alone, with cause and attempts; a redrive goes on in order',
    alone: true,
    run: ({ store, stream }) =>
      inWorld(store, async (world) => {
        const [bad, good] = [stream(), stream()];
        let broken = true;
        const { definition, versions, begun } = recorder('recorder', (event) => {
          if (broken && event.stream.id === bad.id && event.version === 2) throw new Error('a bug');
        });
        const worker = world.worker({ subscriptions: [definition] });
        await worker.start();
        await world.append(bad, 4);
        await world.append(good, 4);
        await world.until(async () => (await parkedCount(worker)()) === 1, 'it is parked');
        await world.until(() => versions(good).length === 4, 'the other goes on');
        const letter = await deadLetter(worker);
        assert.deepEqual(
          [letter.subscription, letter.version, letter.code, letter.cause, letter.attempts],
          ['recorder', 2, 'HANDLER_FAILED', 'a bug', 3],
        );
        const { event } = await worker.deadLetters.get(letter.id);
        assert.deepEqual([event.id, event.version], [letter.eventId, 2]);
        const tries = begun();
        await world.append(bad, 2);
        await world.clock.advance(15_000);
        assert.deepEqual(versions(bad), [1], 'what comes later waits');
        assert.equal(begun(), tries, 'nothing is tried meanwhile');
        broken = false;
        await worker.deadLetters.redrive(letter.id);
        await world.until(() => versions(bad).length === 6, 'it is read on');
        assert.deepEqual(versions(bad), [1, 2, 3, 4, 5, 6]);
        assert.equal(await parkedCount(worker)(), 0);
        await assert.rejects(worker.deadLetters.redrive(letter.id), 'a dead letter is redriven once');
      }),
  },
  {
    name: 'discarding steps over that one event, after the subscription was told',
    alone: true,
    run: ({ store, stream }) =>
      inWorld(store, async (world) => {
        const one = stream();
        const told: string[] = [];
        const { definition, versions } = recorder('recorder', ({ version }) => {
          if (version === 2) throw failure('HANDLER_FAILED', { found: 'nothing to be done' });
        });
        const discarded: typeof definition.discarded = async (event, { cause }) => {
          told.push(`${event.version}: ${cause}`);
        };
        const worker = world.worker({ subscriptions: [{ ...definition, discarded }] });
        await worker.start();
        await world.append(one, 4);
        await world.until(async () => (await parkedCount(worker)()) === 1, 'it is parked');
        const letter = await deadLetter(worker);
        await worker.deadLetters.discard(letter.id);
        await world.until(() => versions(one).length === 3, 'it goes on behind it');
        assert.deepEqual(versions(one), [1, 3, 4]);
        assert.equal(told.length, 1);
        assert.match(told[0] ?? '', /^2: .*nothing to be done/);
      }),
  },
  {
    name: 'redriven on one worker while others receive new events of the stream: in order, none skipped (property)',
    alone: true,
    large: true,
    async run({ store, stream }) {
      for (let seed = 1; seed <= 8; seed += 1) {
        await inWorld(store, async (world) => {
          const random = createRandom(seed);
          const one = stream();
          const bus = sharedBus(world.clock);
          let broken = true;
          const { definition, handled, count } = recorder(`seed-${seed}`, async (event) => {
            if (event.stream.id !== one.id) return;
            if (broken && event.version === 2) throw failure('HANDLER_FAILED');
            await new Promise<void>((resolve) => void world.clock.setTimeout(resolve, random.below(40)));
          });
          const workers = Array.from({ length: 3 }, () => world.worker({ bus, subscriptions: [definition] }));
          for (const worker of workers) await worker.start();
          const [operator] = workers as [TestWorker];
          await world.append(one, 3);
          await world.until(async () => (await parkedCount(operator)()) === 1, 'it is parked');
          broken = false;
          await operator.deadLetters.redrive((await deadLetter(operator)).id);
          for (let n = 0; n < 30; n += 1) {
            await world.clock.advance(random.below(60));
            await world.append(one, 1);
          }
          const head = await store.events.head();
          await world.until(() => count() === head, `all are handled with seed ${seed}`);
          await assertInOrder(store, handled);
        });
      }
    },
  },
  {
    name: 'a worker that dies while it redrives leaves the rest to the next',
    alone: true,
    run: ({ store, stream }) =>
      inWorld(store, async (world) => {
        const one = stream();
        let broken = true;
        const { definition, handled, versions } = recorder('recorder', async (event) => {
          if (broken && event.version === 2) throw failure('HANDLER_FAILED');
          if (event.version === 4 && first.life.alive) await new Promise(() => {});
        });
        const first: TestWorker = world.worker({ subscriptions: [definition] });
        await first.start();
        await world.append(one, 6);
        await world.until(async () => (await parkedCount(first)()) === 1, 'it is parked');
        broken = false;
        await first.deadLetters.redrive((await deadLetter(first)).id);
        await world.until(() => versions(one).includes(3), 'it is under way');
        first.life.kill();
        await world.append(one, 2);
        await world.worker({ subscriptions: [definition] }).start();
        await world.until(() => new Set(versions(one)).size === 8, 'the next goes on');
        await assertInOrder(store, handled);
      }),
  },
  {
    name: 'a thousand and more dead letters are redriven at once, page by page',
    alone: true,
    large: true,
    run: ({ store, stream }) =>
      inWorld(store, async (world) => {
        let broken = true;
        const { definition, count } = recorder('recorder', () => {
          if (broken) throw failure('HANDLER_FAILED');
        });
        const worker = world.worker({ subscriptions: [definition] });
        for (let n = 0; n < 1_050; n += 1) await world.append(stream());
        await worker.start();
        const parked = async () => (await store.cursors.countParked()).get('recorder') === 1_050;
        await world.until(parked, 'all are parked');
        broken = false;
        assert.equal(await worker.deadLetters.redriveAll('recorder'), 1_050);
        await world.until(() => count() === 1_050, 'all are handled', 120_000);
        assert.equal(await parkedCount(worker)(), 0);
      }),
  },
  {
    name: 'without dead letters a lasting failure is stepped over and counted',
    alone: true,
    run: ({ store, stream }) =>
      inWorld(store, async (world) => {
        const one = stream();
        const { definition, versions } = recorder('recorder', ({ version }) => {
          if (version === 2) throw failure('HANDLER_FAILED');
        });
        const worker = world.worker({ subscriptions: [definition], settings: { deadLetters: false } });
        await worker.start();
        await world.append(one, 3);
        await world.until(() => versions(one).length === 2, 'it goes on');
        assert.deepEqual(versions(one), [1, 3]);
        assert.equal(await parkedCount(worker)(), 0);
        assert.equal(worker.counts().bySubscription.recorder?.deadLettered, 1);
      }),
  },
  {
    name: 'a replay delivers once more from a position, a time or a version, each stream in order; the live cursor stays',
    alone: true,
    run: ({ store, stream }) =>
      inWorld(store, async (world) => {
        const [one, other] = [stream(), stream()];
        const { definition, handled, count } = recorder('recorder');
        const worker = world.worker({ subscriptions: [definition] });
        await worker.start();
        await world.append(one, 3);
        await world.append(other, 3);
        await world.until(() => count() === 6, 'all are handled');
        const cursors = () => store.cursors.load('recorder', [one, other]);
        // Cursors follow the handlers, in groups.
        const stored = async () => (await cursors()).every(({ version }) => version === 3);
        await world.until(stored, 'their cursors are stored');
        const before = await cursors();
        const replayed = async (from: Parameters<typeof worker.replays.start>[0]['from']) => {
          const already = handled.length;
          const { id } = await worker.replays.start({ subscription: 'recorder', from });
          const { state } = await world.passing(worker.replays.finished(id));
          assert.equal(state, 'done');
          return handled
            .slice(already)
            .map(({ stream: { id: of }, version }) => `${of === one.id ? 'one' : 'other'}${version}`);
        };
        assert.deepEqual(new Set(await replayed({ position: 3 })), new Set(['one3', 'other1', 'other2', 'other3']));
        assert.deepEqual(await replayed({ stream: one, version: 2 }), ['one2', 'one3']);
        assert.equal((await replayed({ time: '2000-01-01T00:00:00Z' })).length, 6);
        assert.deepEqual(await replayed({ time: '2100-01-01T00:00:00Z' }), []);
        assert.deepEqual(await cursors(), before);
        await world.append(one, 1);
        await world.until(() => count() === 7, 'the live one goes on');
      }),
  },
];
