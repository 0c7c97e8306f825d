import { expect, test } from 'vitest';
import { memoryStore } from '../../src/adapters/stores/memory/memory.ts';
import { sleep } from '../../src/kernel/clock.ts';
import { failure } from '../../src/kernel/errors.ts';
import type { RecordedEvent } from '../../src/kernel/message.ts';
import type { EventBus } from '../../src/ports/event-bus.ts';
import type { Store } from '../../src/ports/store.ts';
import { inWorld, type TestWorker } from '../../src/testing/subscriptions/world.ts';

/** A bus that only remembers what was confirmed. */
function recordingBus(fault: (events: readonly RecordedEvent[]) => unknown = () => undefined) {
  const published: number[] = [];
  const bus: EventBus = {
    provider: 'recording',
    features: { crossProcess: true, durable: true },
    async publish(events) {
      const error = fault(events);
      if (error !== undefined) throw error;
      published.push(...events.map(({ position }) => position));
    },
    subscribe: async () => ({ close: async () => {} }),
    ping: async () => {},
    close: async () => {},
  };
  return { published, bus };
}

const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, at) => first + at);

test('publishes the log in its order, each event once, from many batches', async () => {
  const store = memoryStore();
  await inWorld(store, async (world) => {
    for (let n = 0; n < 30; n += 1) await world.append({ type: 'Account', id: `a${n % 7}` }, 50);
    const { published, bus } = recordingBus();
    const worker = world.worker({ bus });
    await worker.start();
    await world.until(() => published.length >= 1_500, 'the past is published');
    await world.append({ type: 'Account', id: 'a' }, 3);
    await world.until(() => published.length >= 1_503, 'the present too');
    expect(published).toEqual(upTo(1_503));
    expect(worker.counts().published).toBe(1_503);
  });
});

test('killed between publishing and its checkpoint, the next one publishes that again, and nothing is left out', async () => {
  const store = memoryStore();
  await inWorld(store, async (world) => {
    let first: TestWorker | undefined;
    const { published, bus } = recordingBus((events) => {
      // It dies as soon as the bus has them.
      if (events.at(-1)?.position === 5) queueMicrotask(() => first?.life.kill());
    });
    first = world.worker({ bus });
    await first.start();
    const saved = async () => (await store.checkpoints.load('relay'))?.position;
    await world.append({ type: 'Account', id: 'a' }, 3);
    await world.until(async () => (await saved()) === 3, 'three are published and remembered');
    await world.append({ type: 'Account', id: 'a' }, 2);
    await world.until(() => published.length === 5, 'two more are published');
    expect([published, await saved(), first.life.alive]).toEqual([upTo(5), 3, false]);
    await world.append({ type: 'Account', id: 'a' }, 1);
    await world.worker({ bus }).start();
    await world.until(() => published.at(-1) === 6, 'the next goes on');
    expect(published).toEqual([...upTo(5), 4, 5, 6]);
  });
});

test('a bus that is down for a minute is waited for, and gets everything in order', async () => {
  const store = memoryStore();
  await inWorld(store, async (world) => {
    let down = true;
    const { published, bus } = recordingBus(() => (down ? failure('BUS_UNAVAILABLE') : undefined));
    await world.worker({ bus }).start();
    for (let second = 0; second < 60; second += 1) {
      await world.append({ type: 'Account', id: `a${second % 3}` }, 2);
      await world.clock.advance(1_000);
    }
    expect(published).toEqual([]);
    down = false;
    await world.until(() => published.length === 120, 'all is published');
    expect(published).toEqual(upTo(120));
  });
});

const tooLarge = (events: readonly RecordedEvent[], position: number, named: boolean) => {
  const event = events.find((each) => each.position === position);
  return event && failure('MESSAGE_TOO_LARGE', named ? { details: { eventId: event.id } } : {});
};

for (const named of [true, false])
  test(`events that the bus cannot carry, ${named ? 'named' : 'unnamed'}, hold up none of the others, and change no order`, async () => {
    const store = memoryStore();
    await inWorld(store, async (world) => {
      const { published, bus } = recordingBus((events) => tooLarge(events, 3, named) ?? tooLarge(events, 1_100, named));
      for (let n = 0; n < 12; n += 1) await world.append({ type: 'Account', id: 'a' }, 100);
      const worker = world.worker({ bus });
      await worker.start();
      await world.until(() => published.length >= 1_198, 'the others are published');
      expect(published).toEqual([1, 2, ...upTo(1_099, 4), ...upTo(1_200, 1_101)]);
      expect(worker.counts().published).toBe(1_198);
      await world.until(async () => (await store.checkpoints.load('relay'))?.position === 1_200, 'all is remembered');
    });
  });

test('the last event of the log is too large', async () => {
  const store = memoryStore();
  await inWorld(store, async (world) => {
    const { published, bus } = recordingBus((events) => tooLarge(events, 2, false));
    await world.append({ type: 'Account', id: 'a' }, 1);
    await world.worker({ bus }).start();
    await world.until(() => published.length === 1, 'the first is published');
    await world.append({ type: 'Account', id: 'a' }, 1);
    await world.until(async () => (await store.checkpoints.load('relay'))?.position === 2, 'it is stepped over');
    await world.append({ type: 'Account', id: 'a' }, 1);
    await world.until(() => published.length === 2, 'the third is published');
    expect(published).toEqual([1, 3]);
  });
});

test('a store that cannot be read does not make the relay publish again what the bus has', async () => {
  const store = memoryStore();
  let broken = true;
  const half: Store = {
    ...store,
    events: {
      ...store.events,
      readAll(filter) {
        if (broken && (filter?.after ?? 0) >= 500) throw failure('STORE_UNAVAILABLE');
        return store.events.readAll(filter);
      },
    },
  };
  await inWorld(half, async (world) => {
    for (let n = 0; n < 12; n += 1) await world.append({ type: 'Account', id: 'a' }, 100);
    const { published, bus } = recordingBus();
    const slow: EventBus = {
      ...bus,
      async publish(events) {
        await sleep(world.clock, 10);
        await bus.publish(events);
      },
    };
    await world.worker({ bus: slow }).start();
    await world.clock.advance(60_000);
    expect([published, (await store.checkpoints.load('relay'))?.position]).toEqual([upTo(500), 500]);
    broken = false;
    await world.until(() => published.length === 1_200, 'the rest');
    expect(published).toEqual(upTo(1_200));
  });
});

/** A bus whose calls are answered by the test. */
function answeredBus(bus: EventBus) {
  const calls: { readonly first: number; answer(error?: unknown): void }[] = [];
  const held: EventBus = {
    ...bus,
    async publish(events) {
      const { promise, resolve } = Promise.withResolvers<unknown>();
      calls.push({ first: events[0]?.position ?? 0, answer: resolve });
      const error = await promise;
      if (error !== undefined) throw error;
      await bus.publish(events);
    },
  };
  return { calls, held, firsts: () => calls.map(({ first }) => first) };
}

test('stopped with two batches on their way, it waits for both and begins no other', async () => {
  const store = memoryStore();
  await inWorld(store, async (world) => {
    for (let n = 0; n < 16; n += 1) await world.append({ type: 'Account', id: 'a' }, 100);
    const { published, bus } = recordingBus();
    const { calls, held, firsts } = answeredBus(bus);
    const worker = world.worker({ bus: held });
    await worker.start();
    await world.until(() => calls.length === 2, 'two are on their way');
    let stopped = false;
    const stopping = worker.stop().then(() => {
      stopped = true;
    });
    await world.clock.advance(1_000);
    calls[0]?.answer(failure('BUS_UNAVAILABLE'));
    await world.clock.advance(1_000);
    expect(stopped).toBe(false);
    calls[1]?.answer();
    await world.passing(stopping);
    expect([firsts(), published, await store.checkpoints.load('relay')]).toEqual([
      [1, 501],
      upTo(1_000, 501),
      undefined,
    ]);
  });
});

test('killed with two batches on their way, the second of them confirmed, the next one begins at the first', async () => {
  const store = memoryStore();
  await inWorld(store, async (world) => {
    for (let n = 0; n < 12; n += 1) await world.append({ type: 'Account', id: 'a' }, 100);
    const { published, bus } = recordingBus();
    const { calls, held } = answeredBus(bus);
    const first = world.worker({ bus: held });
    await first.start();
    await world.until(() => calls.length === 2, 'two are on their way');
    calls[1]?.answer();
    await world.until(() => published.length === 500, 'the second is confirmed');
    first.life.kill();
    await world.worker({ bus }).start();
    await world.until(() => published.length === 1_700, 'the next goes on');
    expect(published).toEqual([...upTo(1_000, 501), ...upTo(1_200)]);
  });
});

test('two batches are on their way; behind one that fails, the other is published again', async () => {
  const store = memoryStore();
  await inWorld(store, async (world) => {
    const { published, bus } = recordingBus();
    const { calls, held, firsts } = answeredBus(bus);
    const saved = async () => (await store.checkpoints.load('relay'))?.position;
    for (let n = 0; n < 16; n += 1) await world.append({ type: 'Account', id: 'a' }, 100);
    const worker = world.worker({ bus: held });
    await worker.start();
    await world.until(() => calls.length === 2, 'two are on their way');
    await world.clock.advance(1_000);
    expect(firsts()).toEqual([1, 501]);

    // The second one before the first: nothing is remembered, nothing follows.
    calls[1]?.answer();
    await world.clock.advance(1_000);
    expect([firsts(), published.length, await saved()]).toEqual([[1, 501], 500, undefined]);
    calls[0]?.answer(failure('BUS_UNAVAILABLE'));
    await world.until(() => calls.length === 4, 'both are published again');
    expect(firsts()).toEqual([1, 501, 1, 501]);

    // The first one fails while the second is on its way: that is waited for.
    calls[2]?.answer(failure('BUS_UNAVAILABLE'));
    await world.clock.advance(60_000);
    expect(calls).toHaveLength(4);
    calls[3]?.answer();
    await world.until(() => calls.length === 6, 'both are published again');

    // The second one fails while the third is on its way: the first is not published again.
    calls[4]?.answer();
    await world.until(() => calls.length === 7, 'the third follows the first');
    calls[5]?.answer(failure('BUS_UNAVAILABLE'));
    calls[6]?.answer();
    await world.until(() => calls.length === 9, 'the second and the third are published again');
    expect(firsts().slice(6)).toEqual([1_001, 501, 1_001]);
    expect(await saved()).toBe(500);
    calls[7]?.answer();
    calls[8]?.answer();
    await world.until(() => calls.length === 10, 'the rest');
    calls[9]?.answer();
    await world.until(async () => (await saved()) === 1_600, 'all is published and remembered');
  });
});

test('a bus that does not answer is probed with one batch', async () => {
  const store = memoryStore();
  await inWorld(store, async (world) => {
    let down = true;
    let underWay = 0;
    let most = 0;
    const { published, bus } = recordingBus(() => (down ? failure('BUS_UNAVAILABLE') : undefined));
    const slow: EventBus = {
      ...bus,
      async publish(events) {
        most = Math.max(most, ++underWay);
        await sleep(world.clock, 10);
        underWay -= 1;
        await bus.publish(events);
      },
    };
    for (let n = 0; n < 16; n += 1) await world.append({ type: 'Account', id: 'a' }, 100);
    const worker = world.worker({ bus: slow });
    await worker.start();
    await world.clock.advance(60_000);
    most = 0;
    await world.clock.advance(60_000);
    expect(most).toBe(1);
    down = false;
    await world.until(() => published.length === 1_600, 'all is published');
    expect(published).toEqual(upTo(1_600));
    expect(most).toBe(2);
  });
});

test('a log that lost its tail is published from its beginning', async () => {
  const [whole, store] = [memoryStore(), memoryStore()];
  await inWorld(whole, async (world) => {
    await world.append({ type: 'Account', id: 'a' }, 5);
  });
  await inWorld(store, async (world) => {
    await world.append({ type: 'Account', id: 'a' }, 5);
    const [, , third] = await Array.fromAsync(whole.events.readAll());
    const seen = await store.leases.read('relay');
    const { record } = await store.leases.take('relay', 'who lost it', seen);
    const fence = { lease: 'relay', token: record.token };
    // The event that stands at 3 now is another one.
    await store.checkpoints.save('relay', { position: 3, ...(third && { eventId: third.id }) }, fence);
    await store.leases.release(fence);
    const { published, bus } = recordingBus();
    await world.worker({ bus }).start();
    await world.until(() => published.length >= 5, 'it is published');
    expect(published).toEqual(upTo(5));
  });
});

test('does not start once it was stopped', async () => {
  const store = memoryStore();
  await inWorld(store, async (world) => {
    const { published, bus } = recordingBus();
    const worker = world.worker({ bus });
    await world.passing(worker.stop());
    await worker.start();
    await world.append({ type: 'Account', id: 'a' }, 5);
    await world.clock.advance(10_000);
    expect(published).toEqual([]);
    expect((await store.leases.read('relay')).holder).toBeUndefined();
  });
});
