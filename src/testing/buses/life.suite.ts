import assert from 'node:assert/strict';
import {
  assertInOrder,
  assertNothingElse,
  createInbox,
  history,
  inChunks,
  interleaved,
  recorded,
  someTurns,
} from '../bus-fixtures.ts';
import type { BusCase } from '../bus-subject.ts';
import { heapBytes } from '../heap.ts';

const closeLimitMs = 5_000;

async function closesInTime(close: () => Promise<void>): Promise<void> {
  const began = performance.now();
  await close();
  const tookMs = performance.now() - began;
  assert.ok(tookMs < closeLimitMs, `closing took ${Math.round(tookMs)} ms`);
}

export const lifeCases: readonly BusCase[] = [
  {
    name: 'a consumer that closes takes no more and waits for the handlers under way',
    async run({ bus, name, stream }) {
      const one = stream();
      const gate = Promise.withResolvers<void>();
      const taken = Promise.withResolvers<void>();
      const inbox = createInbox(() => {
        taken.resolve();
        return gate.promise;
      });
      const subscription = { group: name('group'), patterns: [`${one.type}.*`], maxInFlight: 1 };
      const consumer = await bus.subscribe(subscription, inbox.handle);
      await bus.publish(history(one, 10));
      await taken.promise;
      let closed = false;
      const closing = consumer.close().then(() => {
        closed = true;
      });
      await someTurns();
      assert.equal(closed, false);
      gate.resolve();
      await closing;
      await someTurns();
      assert.equal(inbox.received.length, 1);
      await consumer.close();
    },
  },
  {
    name: 'whoever joins a group meets nothing of an aggregate that a leaving consumer still handles',
    async run({ bus, name, stream }) {
      const one = stream();
      const gate = Promise.withResolvers<void>();
      const taken = Promise.withResolvers<void>();
      const subscription = { group: name('group'), patterns: [`${one.type}.*`] };
      const leaving = createInbox(() => {
        taken.resolve();
        return gate.promise;
      });
      const consumer = await bus.subscribe(subscription, leaving.handle);
      await bus.publish([recorded(one, 1)]);
      await taken.promise;
      const closing = consumer.close();
      const joining = createInbox();
      await bus.subscribe(subscription, joining.handle);
      const next = recorded(one, 2);
      // A bus may hand aggregates over in groups: some of many are in others than the one that is still handled.
      const others = Array.from({ length: 20 }, () => recorded(stream(one.type), 1));
      await bus.publish([next, ...others]);
      await joining.until(() => joining.received.length > 0, 'another aggregate');
      assertNothingElse(joining.received, others);
      gate.resolve();
      await closing;
      await joining.holds([next, ...others]);
    },
  },
  {
    name: 'ten consumers that close at once lose nothing of those that stay',
    async run({ bus, name }) {
      const type = name('Leaving');
      const subscription = { group: name('group'), patterns: [`${type}.*`], maxInFlight: 4 };
      const inbox = createInbox(() => someTurns(1));
      await bus.subscribe(subscription, inbox.handle);
      const leaving = await Promise.all(Array.from({ length: 10 }, () => bus.subscribe(subscription, inbox.handle)));
      const events = interleaved(Array.from({ length: 50 }, () => history({ type, id: name('id') }, 20)));
      const publishing = bus.publish(events);
      await inbox.until(() => inbox.received.length > 100, 'progress');
      await Promise.all(leaving.map((consumer) => consumer.close()));
      await publishing;
      await inbox.holds(events);
      assertInOrder(inbox.received);
    },
  },
  {
    name: 'what was confirmed arrives although its publisher closes at once',
    needs: ['crossProcess'],
    large: true,
    async run({ bus, second, name }) {
      const type = name('Confirmed');
      const inbox = createInbox();
      await bus.subscribe({ group: name('group'), patterns: [`${type}.*`] }, inbox.handle);
      const publisher = await second();
      const events = interleaved(Array.from({ length: 100 }, () => history({ type, id: name('id') }, 100)));
      const outcomes = inChunks(events, 100).map(async (chunk) => {
        try {
          await publisher.publish(chunk);
          return chunk;
        } catch {
          return [];
        }
      });
      await closesInTime(() => publisher.close());
      await inbox.holds((await Promise.all(outcomes)).flat());
    },
  },
  {
    name: 'a subscriber ten times slower than the publisher keeps memory flat',
    large: true,
    alone: true,
    async run({ bus, name }) {
      const type = name('Slow');
      let handled = 0;
      const done = Promise.withResolvers<void>();
      await bus.subscribe({ group: name('group'), patterns: [`${type}.*`], maxInFlight: 1 }, async () => {
        // The publisher takes about a turn for twenty.
        if (handled % 2 === 0) await someTurns(1);
        if (++handled === 50_000) done.resolve();
      });
      const before = heapBytes();
      let most = 0;
      const ids = Array.from({ length: 20 }, () => name('id'));
      // 200 MB in all, were they kept. A string of `repeat` would share its parts.
      const text = () => Buffer.alloc(4_096, 'x').toString('latin1');
      for (let version = 1; version <= 2_500; version++) {
        await bus.publish(ids.map((id) => recorded({ type, id }, version, { text: text() })));
        if (version % 250 === 0) most = Math.max(most, heapBytes() - before);
      }
      await done.promise;
      assert.ok(most < 100 * 1024 * 1024, `${Math.round(most / 1024 / 1024)} MB more`);
    },
  },
  {
    name: 'closes in under 5 s although a handler never ends, and twice',
    alone: true,
    async run({ bus, name, stream }) {
      const one = stream();
      const taken = Promise.withResolvers<void>();
      await bus.subscribe({ group: name('group'), patterns: [`${one.type}.*`] }, () => {
        taken.resolve();
        return new Promise(() => {});
      });
      await bus.publish(history(one, 100));
      await taken.promise;
      await closesInTime(() => bus.close());
      await closesInTime(() => bus.close());
    },
  },
  {
    name: 'closes in under 5 s under load',
    alone: true,
    async run({ bus, name }) {
      const type = name('Busy');
      const subscription = { group: name('group'), patterns: [`${type}.*`] };
      const inbox = createInbox(() => someTurns(1));
      for (let at = 0; at < 5; at++) await bus.subscribe(subscription, inbox.handle);
      const events = interleaved(Array.from({ length: 100 }, () => history({ type, id: name('id') }, 20)));
      const publishing = bus.publish(events).catch((error: { code?: unknown }) => error.code);
      await inbox.until(() => inbox.received.length > 10, 'progress');
      await closesInTime(() => bus.close());
      const received = inbox.received.length;
      await someTurns();
      assert.equal(inbox.received.length, received, 'handled after it was closed');
      assert.ok([undefined, 'BUS_CLOSED', 'BUS_UNAVAILABLE'].includes((await publishing) as undefined));
    },
  },
  {
    name: 'closes in under 5 s while consumers join and leave',
    alone: true,
    async run({ bus, name }) {
      const type = name('Restless');
      const subscription = { group: name('group'), patterns: [`${type}.*`] };
      const inbox = createInbox(() => someTurns(1));
      await bus.subscribe(subscription, inbox.handle);
      const events = interleaved(Array.from({ length: 100 }, () => history({ type, id: name('id') }, 20)));
      const publishing = bus.publish(events);
      await inbox.until(() => inbox.received.length > 10, 'progress');
      const restless = Array.from({ length: 10 }, async () => {
        const consumer = await bus.subscribe(subscription, inbox.handle);
        await consumer.close();
      });
      const settled = Promise.allSettled([publishing, ...restless]);
      await closesInTime(() => bus.close());
      const received = inbox.received.length;
      await someTurns();
      assert.equal(inbox.received.length, received, 'handled after it was closed');
      for (const outcome of await settled) {
        if (outcome.status === 'fulfilled') continue;
        const { code } = outcome.reason as { readonly code?: unknown };
        assert.ok(code === 'BUS_CLOSED' || code === 'BUS_UNAVAILABLE', `rejected with ${code}`);
      }
    },
  },
  ...(['stopped', 'killed', 'hanging'] as const).map(
    (how): BusCase => ({
      name: `closes in under 5 s with the broker ${how}, also while it publishes`,
      needs: ['restartable'],
      large: true,
      alone: true,
      async run({ bus, stopBroker, startBroker, name, stream }) {
        const one = stream();
        const inbox = createInbox();
        await bus.subscribe({ group: name('group'), patterns: [`${one.type}.*`] }, inbox.handle);
        const events = history(one, 10);
        await bus.publish(events);
        await inbox.holds(events);
        await stopBroker(how);
        try {
          const publishing = bus.publish(history(one, 20, 11)).then(
            () => 'published',
            (error: { code?: unknown }) => error.code,
          );
          await closesInTime(() => bus.close());
          assert.ok(['BUS_CLOSED', 'BUS_UNAVAILABLE'].includes(String(await publishing)), String(await publishing));
        } finally {
          await startBroker();
        }
      },
    }),
  ),
  {
    name: 'whatever is asked of a closed bus is BUS_CLOSED',
    alone: true,
    async run({ bus, name, stream }) {
      await bus.ping();
      await bus.close();
      const closed = { code: 'BUS_CLOSED' };
      const one = stream();
      await assert.rejects(bus.publish([recorded(one)]), closed);
      await assert.rejects(
        bus.subscribe({ group: name('group'), patterns: [`${one.type}.*`] }, async () => {}),
        closed,
      );
      await assert.rejects(bus.ping(), closed);
    },
  },
];
