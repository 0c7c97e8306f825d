import assert from 'node:assert/strict';
import { isFailure } from '../../kernel/errors.ts';
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

export const deliveryCases: readonly BusCase[] = [
  {
    name: 'a subscriber gets what is published after it subscribed',
    async run({ bus, name, stream }) {
      const one = stream();
      const inbox = createInbox();
      await bus.subscribe({ group: name('group'), patterns: [`${one.type}.*`] }, inbox.handle);
      const events = history(one, 10);
      await bus.publish(events);
      await inbox.holds(events);
      assertInOrder(inbox.received);
    },
  },
  {
    name: 'publishing where nobody subscribed succeeds, and hinders nobody who subscribes later',
    async run({ bus, name, stream }) {
      const one = stream();
      const before = history(one, 100);
      await bus.publish(before);
      const inbox = createInbox();
      await bus.subscribe({ group: name('group'), patterns: [`${one.type}.*`] }, inbox.handle);
      const other = stream(one.type);
      const after = history(other, 10);
      await bus.publish(after);
      await inbox.holds(after);
      assertNothingElse(inbox.received, [...before, ...after]);
    },
  },
  {
    name: 'what a group has not taken yet waits for it while no consumer is there',
    needs: ['durable'],
    async run({ bus, name, stream }) {
      const one = stream();
      const subscription = { group: name('group'), patterns: [`${one.type}.*`] };
      const first = createInbox();
      const consumer = await bus.subscribe(subscription, first.handle);
      await bus.publish(history(one, 3));
      await first.until(() => first.received.length >= 3, 'the first three');
      await consumer.close();
      const events = history(one, 100, 4);
      await bus.publish(events);
      const inbox = createInbox();
      await bus.subscribe(subscription, inbox.handle);
      await inbox.holds(events);
    },
  },
  {
    name: 'publishing nothing does nothing',
    async run({ bus }) {
      await bus.publish([]);
      await bus.ping();
    },
  },
  {
    name: 'what several calls publish at once comes in the order of the calls, many events of each',
    async run({ bus, name, stream }) {
      const one = stream();
      const inbox = createInbox();
      await bus.subscribe({ group: name('group'), patterns: [`${one.type}.*`] }, inbox.handle);
      const events = interleaved([
        history(one, 1_200),
        history(stream(one.type), 1_200),
        history(stream(one.type), 1_200),
      ]);
      await Promise.all(inChunks(events, 1_200).map((chunk) => bus.publish(chunk)));
      await inbox.holds(events);
      assertInOrder(inbox.received);
    },
  },
  {
    name: 'ids, data and metadata arrive as they were published',
    async run({ bus, name, stream }) {
      const one = stream();
      const inbox = createInbox();
      await bus.subscribe({ group: name('group'), patterns: [`${one.type}.*`] }, inbox.handle);
      const data = [
        {},
        null,
        [],
        'text',
        0,
        2 ** 53,
        -1.5e-7,
        { nested: { deep: [{ er: null }, [], true] } },
        { 'Grüße, Ελλάδα': '日本語 🚀 \u0000 "quoted" \\ \n', __proto: 1 },
      ];
      const events = data.map((each, at) => {
        const event = recorded(one, at + 1, each);
        return { ...event, meta: { ...event.meta, userId: 'Ünï-🙂', source: 'user-service' } };
      });
      await bus.publish(events);
      await inbox.holds(events);
      assert.deepEqual(inbox.received, events);
    },
  },
  {
    name: 'odd ids are neither mixed up nor taken for addresses',
    async run({ bus, name }) {
      const type = name('Odd');
      const ids = ['a/b', 'a:b', 'a.b', '*', '>', '#', ' ', 'ä 🙂', '"\'`', '__proto__', '%2F', '\n', 'x'.repeat(512)];
      const inbox = createInbox();
      await bus.subscribe({ group: name('group'), patterns: [`${type}.*`] }, inbox.handle);
      const events = ids.flatMap((id) => history({ type, id }, 5));
      await bus.publish(events);
      await inbox.holds(events);
      assertInOrder(inbox.received);
      assert.deepEqual(new Set(inbox.received.map(({ stream }) => stream.id)), new Set(ids));
    },
  },
  {
    name: 'a message of 1 MB arrives',
    async run({ bus, name, stream }) {
      const one = stream();
      const inbox = createInbox();
      await bus.subscribe({ group: name('group'), patterns: [`${one.type}.*`] }, inbox.handle);
      const event = recorded(one, 1, { text: 'é'.repeat(512 * 1024) });
      await bus.publish([event]);
      await inbox.holds([event]);
      assert.deepEqual(inbox.received[0], event);
    },
  },
  {
    name: 'a message that is too large is MESSAGE_TOO_LARGE and named; without it the others go through',
    needs: ['bounded'],
    async run({ bus, name, stream, oversizeBytes }) {
      const one = stream();
      const inbox = createInbox();
      await bus.subscribe({ group: name('group'), patterns: [`${one.type}.*`] }, inbox.handle);
      const huge = recorded(stream(one.type), 1, { text: 'x'.repeat(oversizeBytes) });
      const events = history(one, 3);
      const [first, ...others] = events;
      assert.ok(first);
      await assert.rejects(bus.publish([first, huge, ...others]), (error) => {
        assert.ok(isFailure(error, 'MESSAGE_TOO_LARGE'));
        assert.equal(error.explanation.details?.eventId, huge.id);
        return true;
      });
      await bus.publish(events);
      await inbox.holds(events);
      assertInOrder(inbox.received);
      assertNothingElse(inbox.received, events);
    },
  },
  {
    name: 'an event comes when a pattern matches, once when several do, and not when none does',
    async run({ bus, name }) {
      const [left, right] = [name('Left'), name('Right')];
      const [made, sold] = [name('Made'), name('Sold')];
      const patterns = {
        exact: [`${left}.${made}`],
        ofType: [`${left}.*`],
        ofEvent: [`*.${made}`],
        several: [`${left}.*`, `*.${made}`, `${left}.${made}`],
      };
      const all = [left, right].flatMap((type) =>
        [made, sold].map((event, at) => recorded({ type, id: name('id') }, 1, { at }, event)),
      );
      const inboxes = Object.values(patterns).map((each) => ({ each, inbox: createInbox() }));
      for (const { each, inbox } of inboxes)
        await bus.subscribe({ group: name('group'), patterns: each }, inbox.handle);
      await bus.publish(all);
      const expected = [
        all.slice(0, 1),
        all.slice(0, 2),
        [all[0], all[2]].filter((event) => event !== undefined),
        all.slice(0, 3),
      ];
      for (const [at, { inbox }] of inboxes.entries()) await inbox.holds(expected[at] ?? []);
      await someTurns();
      for (const [at, { inbox }] of inboxes.entries()) {
        assert.equal(inbox.received.length, expected[at]?.length);
        assertNothingElse(inbox.received, expected[at] ?? []);
      }
    },
  },
  {
    name: 'twenty types side by side do not leak into each other',
    async run({ bus, name, stream }) {
      const types = await Promise.all(
        Array.from({ length: 20 }, async () => {
          const one = stream();
          const inbox = createInbox();
          await bus.subscribe({ group: name('group'), patterns: [`${one.type}.*`] }, inbox.handle);
          return { events: history(one, 10), inbox };
        }),
      );
      await Promise.all(types.map(({ events }) => bus.publish(events)));
      for (const { events, inbox } of types) await inbox.holds(events);
      for (const { events, inbox } of types) assertNothingElse(inbox.received, events);
    },
  },
  {
    name: '5,000 messages of 50 publishers reach 50 subscribers, none missing and none extra',
    large: true,
    async run({ bus, name }) {
      const type = name('Crowd');
      const inboxes = await Promise.all(
        Array.from({ length: 50 }, async () => {
          const inbox = createInbox();
          await bus.subscribe({ group: name('group'), patterns: [`${type}.*`] }, inbox.handle);
          return inbox;
        }),
      );
      const published = Array.from({ length: 50 }, () => history({ type, id: name('id') }, 100));
      await Promise.all(
        published.map(async (events) => {
          for (const chunk of inChunks(events, 10)) await bus.publish(chunk);
        }),
      );
      const all = published.flat();
      for (const inbox of inboxes) {
        await inbox.holds(all);
        assertInOrder(inbox.received);
        assertNothingElse(inbox.received, all);
      }
    },
  },
];
