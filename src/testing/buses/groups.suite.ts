import assert from 'node:assert/strict';
import type { RecordedEvent } from '../../kernel/message.ts';
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
import type { BusCase, BusContext } from '../bus-subject.ts';

export const groupCases: readonly BusCase[] = [
  {
    name: 'the consumers of a group compete: each event goes to one of them',
    async run({ bus, second, name }) {
      const type = name('Shared');
      const subscription = { group: name('group'), patterns: [`${type}.*`] };
      const shares = [0, 0, 0, 0];
      const inbox = createInbox(() => someTurns(1));
      const other = await second();
      for (const at of shares.keys()) {
        await (at % 2 === 0 ? bus : other).subscribe(subscription, async (event) => {
          shares[at] = (shares[at] ?? 0) + 1;
          await inbox.handle(event);
        });
      }
      const events = interleaved(Array.from({ length: 64 }, () => history({ type, id: name('id') }, 10)));
      await bus.publish(events);
      await inbox.holds(events);
      await someTurns();
      assert.equal(inbox.received.length, events.length);
      assertNothingElse(inbox.received, events);
      assert.ok(shares.filter((share) => share > 0).length > 1, `shares of ${shares.join(', ')}`);
    },
  },
  {
    name: 'groups are independent: each gets all',
    async run({ bus, name, stream }) {
      const one = stream();
      const inboxes = [createInbox(), createInbox(), createInbox()];
      for (const inbox of inboxes)
        await bus.subscribe({ group: name('group'), patterns: [`${one.type}.*`] }, inbox.handle);
      const events = history(one, 100);
      await bus.publish(events);
      for (const inbox of inboxes) {
        await inbox.holds(events);
        assertInOrder(inbox.received);
      }
    },
  },
  {
    name: 'sixteen aggregates of 1,000 messages each are in order with one consumer',
    large: true,
    run: (context) => keepsOrder(context, 1),
  },
  {
    name: 'sixteen aggregates of 1,000 messages each are in order with ten consumers',
    large: true,
    run: (context) => keepsOrder(context, 10),
  },
  {
    name: 'consumers that join while events flow leave no gap',
    async run({ bus, second, name }) {
      const type = name('Joined');
      const subscription = { group: name('group'), patterns: [`${type}.*`] };
      // Of all lengths, so that whoever joins meets consumers with much, little or nothing in hand.
      const inbox = createInbox(({ version }) => someTurns((version % 16) ** 2));
      await bus.subscribe(subscription, inbox.handle);
      const streams = Array.from({ length: 32 }, () => ({ type, id: name('id') }));
      const published: RecordedEvent[] = [];
      let joined = false;
      async function publish(): Promise<void> {
        for (let version = 1; !joined; version++) {
          const events = streams.map((stream) => recorded(stream, version));
          await bus.publish(events);
          published.push(...events);
          await inbox.holds(events);
        }
      }
      const publishing = publish();
      try {
        const other = await second();
        for (let at = 0; at < 4; at++) await (at % 2 === 0 ? other : bus).subscribe(subscription, inbox.handle);
      } finally {
        joined = true;
      }
      await publishing;
      await inbox.holds(published);
      assertInOrder(inbox.received);
    },
  },
  {
    name: 'a message is not followed by the next of its aggregate while unacknowledged, and others pass it',
    async run({ bus, second, name, stream }) {
      const held = stream();
      const gate = Promise.withResolvers<void>();
      const first = Promise.withResolvers<void>();
      const begun: number[] = [];
      const inbox = createInbox(async ({ stream: { id }, version }) => {
        if (id !== held.id) return;
        begun.push(version);
        first.resolve();
        await gate.promise;
      });
      const subscription = { group: name('group'), patterns: [`${held.type}.*`] };
      await bus.subscribe(subscription, inbox.handle);
      await (await second()).subscribe(subscription, inbox.handle);
      const waiting = history(held, 5);
      const passing = Array.from({ length: 20 }, () => history(stream(held.type), 5)).flat();
      await bus.publish([...waiting, ...passing]);
      await Promise.all([first.promise, inbox.holds(passing)]);
      assert.deepEqual(begun, [1]);
      gate.resolve();
      await inbox.holds(waiting);
      assertInOrder(inbox.received);
    },
  },
  {
    name: 'a consumer has no more events in handlers than it asked for',
    async run({ bus, name }) {
      const type = name('Bounded');
      let inHandlers = 0;
      let most = 0;
      const inbox = createInbox(async () => {
        most = Math.max(most, ++inHandlers);
        await someTurns(2);
        inHandlers--;
      });
      await bus.subscribe({ group: name('group'), patterns: [`${type}.*`], maxInFlight: 5 }, inbox.handle);
      const events = Array.from({ length: 50 }, () => history({ type, id: name('id') }, 2)).flat();
      await bus.publish(events);
      await inbox.holds(events);
      assert.ok(most <= 5, `${most} at once`);
    },
  },
  {
    name: 'a blocked subscription does not block the others',
    async run({ bus, name, stream }) {
      const one = stream();
      const patterns = [`${one.type}.*`];
      const gate = Promise.withResolvers<void>();
      const blocked = createInbox(() => gate.promise);
      await bus.subscribe({ group: name('blocked'), patterns, maxInFlight: 4 }, blocked.handle);
      const inbox = createInbox();
      await bus.subscribe({ group: name('group'), patterns }, inbox.handle);
      const events = interleaved(Array.from({ length: 100 }, () => history(stream(one.type), 5)));
      for (const chunk of inChunks(events, 100)) await bus.publish(chunk);
      await inbox.holds(events);
      assert.equal(blocked.received.length, 0);
      gate.resolve();
      await blocked.holds(events);
    },
  },
  {
    name: 'a slow subscription does not slow the others',
    async run({ bus, name, stream }) {
      const one = stream();
      const patterns = [`${one.type}.*`];
      const inbox = createInbox();
      await bus.subscribe({ group: name('group'), patterns }, inbox.handle);
      const events = history(one, 50);
      // Ten behind, until the other has all: a bus that goes on with both or none would go on with none.
      const ahead = () => inbox.received.length >= Math.min(events.length, slow.received.length + 10);
      const slow = createInbox(() => inbox.until(ahead, 'the other to be ahead'));
      await bus.subscribe({ group: name('slow'), patterns }, slow.handle);
      await bus.publish(events);
      await inbox.holds(events);
      await slow.holds(events);
    },
  },
];

async function keepsOrder({ bus, second, name }: BusContext, consumers: number): Promise<void> {
  const type = name('Ordered');
  const subscription = { group: name('group'), patterns: [`${type}.*`] };
  const instances = [bus, await second()];
  // Some handlers take longer than others, so that consumers overtake each other where they may.
  const inbox = createInbox(({ version }) => (version % 7 === 0 ? someTurns(1) : Promise.resolve()));
  for (let at = 0; at < consumers; at++) await instances[at % instances.length]?.subscribe(subscription, inbox.handle);
  const streams = Array.from({ length: 16 }, () => history({ type, id: name('id') }, 1_000));
  for (const chunk of inChunks(interleaved(streams), 500)) await bus.publish(chunk);
  await inbox.holds(streams.flat());
  assertInOrder(inbox.received);
}
