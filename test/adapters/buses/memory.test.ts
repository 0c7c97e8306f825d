import { expect, test } from 'vitest';
import { memoryBus } from '../../../src/adapters/buses/memory.ts';
import {
  assertInOrder,
  createInbox,
  history,
  inChunks,
  recorded,
  someTurns,
} from '../../../src/testing/bus-fixtures.ts';
import { type BusAdapter, busSubject } from '../../../src/testing/bus-subject.ts';
import { eventBusSuite } from '../../../src/testing/event-bus.suite.ts';
import { createSimulatedClock } from '../../../src/testing/simulated-clock.ts';
import { runSuite } from '../run-suite.ts';

const adapter: BusAdapter<undefined> = {
  name: 'memory',
  features: [],
  newLocation: async () => undefined,
  open: () => memoryBus(),
  destroy: async () => {},
};

runSuite(eventBusSuite, busSubject(adapter));

const stream = { type: 'Order', id: 'one' };
const patterns = ['Order.*'];

test('publish waits while a group that gets on is full, and goes on when it has room', async () => {
  const bus = memoryBus({ clock: createSimulatedClock(), maxQueued: 10 });
  const gates = history(stream, 30).map(() => Promise.withResolvers<void>());
  const inbox = createInbox(({ version }) => gates[version - 1]?.promise ?? Promise.resolve());
  await bus.subscribe({ group: 'slow', patterns }, inbox.handle);
  let published = false;
  const publishing = bus.publish(history(stream, 20)).then(() => {
    published = true;
  });
  for (const gate of gates.slice(0, 9)) gate.resolve();
  await inbox.until(() => inbox.received.length === 9, 'nine');
  expect(published).toBe(false);
  gates[9]?.resolve();
  await publishing;
  for (const gate of gates) gate.resolve();
  await inbox.until(() => inbox.received.length === 20, 'twenty');
});

test('what several calls publish stays in the order of the calls, also while a group is full', async () => {
  const bus = memoryBus({ clock: createSimulatedClock(), maxQueued: 10 });
  const [full, free] = [createInbox(() => someTurns(1)), createInbox()];
  await bus.subscribe({ group: 'full', patterns }, full.handle);
  await bus.subscribe({ group: 'free', patterns }, free.handle);
  const events = history(stream, 90);
  await Promise.all(inChunks(events, 30).map((chunk) => bus.publish(chunk)));
  await full.holds(events);
  assertInOrder(full.received);
  assertInOrder(free.received);
});

test('a group that handles nothing for five seconds is not waited for, and takes part again when it gets on', async () => {
  const clock = createSimulatedClock();
  const letGo: number[] = [];
  const bus = memoryBus({ clock, maxQueued: 10, onLetGo: (_, { version }) => letGo.push(version) });
  const gate = Promise.withResolvers<void>();
  const blocked = createInbox(() => gate.promise);
  const other = createInbox();
  await bus.subscribe({ group: 'blocked', patterns }, blocked.handle);
  await bus.subscribe({ group: 'other', patterns }, other.handle);
  let published = false;
  const publishing = bus.publish(history(stream, 20)).then(() => {
    published = true;
  });
  await clock.advance(4_999);
  expect(published).toBe(false);
  await clock.advance(1);
  await publishing;
  await other.until(() => other.received.length === 20, 'twenty');
  expect(letGo).toEqual([11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);

  gate.resolve();
  await blocked.until(() => blocked.received.length === 10, 'ten');
  const later = recorded(stream, 21);
  await bus.publish([later]);
  await blocked.holds([later]);
  expect(letGo).toHaveLength(10);
});

test('a rejected event comes again after a wait that doubles', async () => {
  const clock = createSimulatedClock();
  const bus = memoryBus({ clock, redeliverAfterMs: 100, maxRedeliverAfterMs: 350 });
  const triedAtMs: number[] = [];
  await bus.subscribe({ group: 'ill', patterns }, async () => {
    triedAtMs.push(clock.monotonicMs());
    throw new Error('ill');
  });
  await bus.publish([recorded(stream)]);
  await clock.advance(1_500);
  expect(triedAtMs).toEqual([0, 100, 300, 650, 1_000, 1_350]);
  await bus.close();
  expect(clock.waiting).toBe(0);
});

test('a group that its last consumer left keeps nothing and holds up nobody', async () => {
  const bus = memoryBus({ clock: createSimulatedClock(), maxQueued: 5 });
  const gate = Promise.withResolvers<void>();
  const consumer = await bus.subscribe({ group: 'left', patterns }, () => gate.promise);
  const publishing = bus.publish(history(stream, 50));
  const closing = consumer.close();
  await publishing;
  gate.resolve();
  await closing;
  const inbox = createInbox();
  await bus.subscribe({ group: 'left', patterns }, inbox.handle);
  const later = recorded(stream, 51);
  await bus.publish([later]);
  await inbox.holds([later]);
  expect(inbox.received).toEqual([later]);
});
