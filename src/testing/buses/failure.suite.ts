import assert from 'node:assert/strict';
import type { RecordedEvent } from '../../kernel/message.ts';
import type { EventBus } from '../../ports/event-bus.ts';
import { assertInOrder, createInbox, history, inChunks, interleaved, someTurns } from '../bus-fixtures.ts';
import type { BusCase } from '../bus-subject.ts';

export const failureCases: readonly BusCase[] = [
  {
    name: 'an event whose handler fails twice comes a third time, before the next of its aggregate',
    async run({ bus, name, stream }) {
      const one = stream();
      let tries = 0;
      const inbox = createInbox(async ({ version }) => {
        if (version === 2 && ++tries < 3) throw new Error('not yet');
      });
      await bus.subscribe({ group: name('group'), patterns: [`${one.type}.*`] }, inbox.handle);
      const events = history(one, 5);
      await bus.publish(events);
      await inbox.holds(events);
      assertInOrder(inbox.received);
      assert.equal(tries, 3);
    },
  },
  {
    name: 'an event whose handler fails again and again holds up its aggregate alone',
    async run({ bus, name, stream }) {
      const ill = stream();
      let healthy = false;
      const inbox = createInbox(async ({ stream: { id } }) => {
        if (id === ill.id && !healthy) throw new Error('ill');
      });
      await bus.subscribe({ group: name('group'), patterns: [`${ill.type}.*`] }, inbox.handle);
      const held = history(ill, 3);
      const others = Array.from({ length: 50 }, () => history(stream(ill.type), 3)).flat();
      await bus.publish([...held, ...others]);
      await inbox.holds(others);
      healthy = true;
      await inbox.holds(held);
      assertInOrder(inbox.received);
    },
  },
  {
    name: 'a handler that throws instead of rejecting is a failed one',
    async run({ bus, name, stream }) {
      const one = stream();
      const inbox = createInbox();
      let thrown = false;
      await bus.subscribe({ group: name('group'), patterns: [`${one.type}.*`] }, (event) => {
        if (thrown) return inbox.handle(event);
        thrown = true;
        throw new Error('at once');
      });
      const events = history(one, 2);
      await bus.publish(events);
      await inbox.holds(events);
    },
  },
  {
    name: '1,000 messages of which every tenth fails once all arrive',
    async run({ bus, name }) {
      const type = name('Shaky');
      const failed = new Set<string>();
      const inbox = createInbox(async ({ id, version }) => {
        if (version % 10 !== 0 || failed.has(id)) return;
        failed.add(id);
        throw new Error('once');
      });
      await bus.subscribe({ group: name('group'), patterns: [`${type}.*`] }, inbox.handle);
      const events = interleaved(Array.from({ length: 50 }, () => history({ type, id: name('id') }, 20)));
      for (const chunk of inChunks(events, 100)) await bus.publish(chunk);
      await inbox.holds(events);
      assertInOrder(inbox.received);
      assert.equal(failed.size, 100);
    },
  },
  {
    name: 'a consumer that leaves in mid-stream leaves the rest to the others, in order',
    async run({ bus, second, name }) {
      const type = name('Left');
      const subscription = { group: name('group'), patterns: [`${type}.*`], maxInFlight: 8 };
      const inbox = createInbox(() => someTurns(1));
      const staying = await second();
      await staying.subscribe(subscription, inbox.handle);
      const events = interleaved(Array.from({ length: 40 }, () => history({ type, id: name('id') }, 50)));
      const publishing = (async () => {
        for (const chunk of inChunks(events, 50)) await bus.publish(chunk);
      })();
      for (let times = 0; times < 10; times++) {
        const consumer = await bus.subscribe(subscription, inbox.handle);
        const seen = inbox.received.length;
        await inbox.until(() => inbox.received.length > Math.min(seen + 50, events.length - 1), 'progress');
        await consumer.close();
      }
      await publishing;
      await inbox.holds(events);
      assertInOrder(inbox.received);
    },
  },
  {
    name: 'a consumer closed and reopened in mid-stream, twenty times, loses nothing',
    needs: ['durable'],
    large: true,
    async run({ bus, name }) {
      const type = name('Reopened');
      const subscription = { group: name('group'), patterns: [`${type}.*`], maxInFlight: 8 };
      const inbox = createInbox(() => someTurns(1));
      const events = interleaved(Array.from({ length: 40 }, () => history({ type, id: name('id') }, 50)));
      let consumer = await bus.subscribe(subscription, inbox.handle);
      const publishing = (async () => {
        for (const chunk of inChunks(events, 50)) await bus.publish(chunk);
      })();
      for (let times = 0; times < 20; times++) {
        const seen = inbox.received.length;
        await inbox.until(() => inbox.received.length > Math.min(seen + 50, events.length - 1), 'progress');
        await consumer.close();
        consumer = await bus.subscribe(subscription, inbox.handle);
      }
      await publishing;
      await inbox.holds(events);
      assertInOrder(inbox.received);
    },
  },
  {
    name: 'what a killed process was handling comes again to another',
    needs: ['killable', 'crossProcess', 'durable'],
    async run({ bus, second, kill, name, stream }) {
      const one = stream();
      const subscription = { group: name('group'), patterns: [`${one.type}.*`] };
      const victim = await second();
      const taken = Promise.withResolvers<void>();
      await victim.subscribe(subscription, () => {
        taken.resolve();
        return new Promise(() => {});
      });
      const events = history(one, 5);
      await bus.publish(events);
      await taken.promise;
      const inbox = createInbox();
      await bus.subscribe(subscription, inbox.handle);
      await kill(victim);
      await inbox.holds(events);
      assertInOrder(inbox.received);
    },
  },
  ...(['stopped', 'killed'] as const).map(
    (how): BusCase => ({
      name: `a broker ${how} and started twice under load loses nothing that was confirmed, without help`,
      needs: ['restartable', 'durable'],
      large: true,
      alone: true,
      async run({ bus, stopBroker, startBroker, name }) {
        const type = name('Restarted');
        const inbox = createInbox();
        await bus.subscribe({ group: name('group'), patterns: [`${type}.*`] }, inbox.handle);
        const events = interleaved(Array.from({ length: 20 }, () => history({ type, id: name('id') }, 100)));
        const publishing = (async () => {
          for (const chunk of inChunks(events, 20)) await publishUntilConfirmed(bus, chunk);
        })();
        for (const reached of [300, 1_000]) {
          await inbox.until(() => inbox.received.length >= reached, `${reached} events`);
          await stopBroker(how);
          await startBroker();
        }
        await publishing;
        await inbox.holds(events);
      },
    }),
  ),
  {
    name: 'what a broker that stands still is asked is BUS_UNAVAILABLE, and all goes on when it moves again',
    needs: ['restartable'],
    large: true,
    alone: true,
    async run({ bus, stopBroker, startBroker, name, stream }) {
      const one = stream();
      const inbox = createInbox();
      await bus.subscribe({ group: name('group'), patterns: [`${one.type}.*`] }, inbox.handle);
      const events = history(one, 3);
      await bus.publish(events.slice(0, 1));
      await inbox.holds(events.slice(0, 1));
      await stopBroker('hanging');
      try {
        await assert.rejects(bus.ping(), { code: 'BUS_UNAVAILABLE' });
        await assert.rejects(bus.publish(events.slice(1)), { code: 'BUS_UNAVAILABLE' });
      } finally {
        await startBroker();
      }
      await publishUntilConfirmed(bus, events.slice(1));
      await inbox.holds(events);
    },
  },
];

async function publishUntilConfirmed(bus: EventBus, events: readonly RecordedEvent[]): Promise<void> {
  for (;;) {
    try {
      await bus.publish(events);
      return;
    } catch (error) {
      assert.equal((error as { code?: unknown }).code, 'BUS_UNAVAILABLE');
      await someTurns();
    }
  }
}
