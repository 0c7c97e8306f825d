import { type Channel, type ChannelModel, connect } from 'amqplib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { partitionOf } from '../../../src/adapters/buses/partition.ts';
import { type RabbitmqBusOptions, rabbitmqBus } from '../../../src/adapters/buses/rabbitmq/rabbitmq.ts';
import { namesOf, partitions } from '../../../src/adapters/buses/rabbitmq/topology.ts';
import type { EventBus } from '../../../src/ports/event-bus.ts';
import { type Logger, silentLogger } from '../../../src/ports/telemetry.ts';
import {
  assertInOrder,
  assertNothingElse,
  createInbox,
  history,
  recorded,
  someTurns,
} from '../../../src/testing/bus-fixtures.ts';
import { describeWithServer } from '../../servers/environment.ts';
import { startRabbitmq } from '../../servers/rabbitmq.ts';
import type { Server } from '../../servers/server.ts';
import { relayTooLargeOver } from './relay-over.ts';

describeWithServer('TEST_RABBITMQ_URL', 'rabbitmq: what goes wrong', () => {
  let server: Server;
  let connection: ChannelModel;
  let channel: Channel;
  const buses: EventBus[] = [];
  let places = 0;

  beforeAll(async () => {
    server = await startRabbitmq({ settings: ['max_message_size = 100000'] });
    connection = await connect(server.url);
    channel = await connection.createChannel();
  }, 60_000);
  afterAll(async () => {
    await Promise.all(buses.map((bus) => bus.close()));
    await connection.close();
    await server.remove();
  });

  const namespace = () => `place${places}`;
  const names = () => namesOf(namespace());
  const queues = () => Array.from({ length: partitions }, (_, partition) => names().queue('group', partition));
  const subscription = { group: 'group', patterns: ['Order.*'] };
  /** Of so many orders, one each. */
  const orders = (count: number, from = 1) =>
    Array.from({ length: count }, (_, at) => history({ type: 'Order', id: String(from + at) }, 1)).flat();

  async function open(options: Partial<RabbitmqBusOptions> = {}): Promise<EventBus> {
    places += 1;
    const bus = await rabbitmqBus({ url: server.url, namespace: namespace(), ...options });
    buses.push(bus);
    return bus;
  }

  /** Looks on a channel of its own, which is closed when nothing is there. */
  async function isThere(look: (on: Channel) => Promise<unknown>): Promise<boolean> {
    const own = await connection.createChannel();
    own.on('error', () => {});
    try {
      await look(own);
      await own.close();
      return true;
    } catch {
      return false;
    }
  }

  async function publishUntilTaken(bus: EventBus, events: ReturnType<typeof orders>): Promise<void> {
    await expect.poll(() => bus.publish(events).then(() => 'taken', String), { timeout: 10_000 }).toBe('taken');
  }

  test('a wrong password or virtual host is told at once, without the password', async () => {
    const wrong = new URL(server.url);
    wrong.password = 'secret';
    const refused = rabbitmqBus({ url: wrong.href });
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_CONFIGURATION' });
    await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining('secret') });
    await expect(rabbitmqBus({ url: `${server.url}/nowhere` })).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
    });
    await expect(rabbitmqBus({ url: server.url, namespace: 'amq.mine' })).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
    });
  });

  test('a server that is not there is BUS_UNAVAILABLE', async () => {
    await expect(rabbitmqBus({ url: 'amqp://127.0.0.1:1' })).rejects.toMatchObject({ code: 'BUS_UNAVAILABLE' });
  });

  test('what is not ours is stepped over, with a warning, and does not come again', async () => {
    const warnings: string[] = [];
    const logger: Logger = { ...silentLogger, warn: (_, message) => warnings.push(message) };
    const bus = await open({ logger });
    const inbox = createInbox();
    const consumer = await bus.subscribe(subscription, inbox.handle);
    for (const queue of queues()) {
      channel.sendToQueue(queue, Buffer.from('some thing'));
      const headers = { cloudEvents_type: 'Order.Happened', cloudEvents_source: '/x/Order', cloudEvents_id: 7 };
      channel.sendToQueue(queue, Buffer.from('{'), { headers });
    }
    channel.publish(names().members, '', Buffer.from('{"from":1}'));
    const events = orders(50);
    await bus.publish(events);
    await inbox.holds(events);
    assertNothingElse(inbox.received, events);
    await expect.poll(() => warnings.length, { timeout: 10_000 }).toBe(2 * partitions);
    await consumer.close();
    const left = await Promise.all(queues().map((queue) => channel.checkQueue(queue)));
    expect(left.map(({ messageCount }) => messageCount)).toEqual(queues().map(() => 0));
  });

  test('a queue given up right after very many acknowledgements gives nothing of that to the next consumer', async () => {
    const bus = await open();
    // In one queue, and as many as its consumer is given at a time.
    const events = orders(2_000)
      .filter(({ stream }) => partitionOf(stream, partitions) === 0)
      .slice(0, 100);
    const held: (() => void)[] = [];
    const consumer = await bus.subscribe(
      { ...subscription, maxInFlight: events.length },
      () => new Promise((resolve) => held.push(resolve)),
    );
    await bus.publish(events);
    await expect.poll(() => held.length, { timeout: 10_000 }).toBe(events.length);
    // Without the first, each of the others is acknowledged alone.
    const [first, ...others] = held;
    for (const handled of others) handled();
    await someTurns(2);
    first?.();
    await consumer.close();
    const inbox = createInbox();
    await bus.subscribe(subscription, inbox.handle);
    const later = orders(50, 1_000);
    await bus.publish(later);
    await inbox.holds(later);
    assertNothingElse(inbox.received, later);
  });

  test('an event that is too large for the broker alone is MESSAGE_TOO_LARGE, and the next one goes through', async () => {
    const bus = await open();
    const inbox = createInbox();
    await bus.subscribe(subscription, inbox.handle);
    const huge = recorded({ type: 'Order', id: 'huge' }, 1, { text: 'x'.repeat(200_000) });
    await expect(bus.publish([huge])).rejects.toMatchObject({ code: 'MESSAGE_TOO_LARGE' });
    const events = orders(10);
    await publishUntilTaken(bus, events);
    await inbox.holds(events);
  });

  test('the relay steps over events that are too large for the broker alone, and carries all others', async () => {
    const bus = await open();
    const inbox = createInbox();
    await bus.subscribe(subscription, inbox.handle);
    const events = await relayTooLargeOver(bus, 'x'.repeat(200_000));
    await inbox.holds(events);
    assertNothingElse(inbox.received, events);
  });

  test('queues and exchanges that somebody removed are made anew, and consumers go on', async () => {
    const bus = await open();
    const inbox = createInbox();
    await bus.subscribe(subscription, inbox.handle);
    const before = orders(20);
    await bus.publish(before);
    await inbox.holds(before);
    await Promise.all(queues().map((queue) => channel.deleteQueue(queue)));
    const remade = async () => {
      const [last = ''] = queues().slice(-1);
      return (await isThere((own) => own.checkQueue(last))) && (await channel.checkQueue(last)).consumerCount;
    };
    await expect.poll(remade, { timeout: 10_000 }).toBe(1);
    const after = orders(20, 100);
    await bus.publish(after);
    await inbox.holds(after);

    await channel.deleteExchange(names().events);
    await expect(bus.publish(orders(1, 500))).rejects.toMatchObject({ code: 'BUS_UNAVAILABLE' });
    await publishUntilTaken(bus, orders(1, 501));
    await bus.ping();
  });

  test('queues that were made with other options are used as they are, with a warning', async () => {
    const first = await open({ forgetGroupAfterMs: 60_000 });
    await (await first.subscribe(subscription, async () => {})).close();
    const warnings: string[] = [];
    const logger: Logger = { ...silentLogger, warn: (_, message) => warnings.push(message) };
    const bus = await rabbitmqBus({ url: server.url, namespace: namespace(), logger });
    buses.push(bus);
    const inbox = createInbox();
    await bus.subscribe(subscription, inbox.handle);
    const events = orders(20);
    await bus.publish(events);
    await inbox.holds(events);
    expect(warnings).toEqual(['Queues that were made with other options stay as they are.']);
  });

  test('a group without consumers is forgotten, leaves nothing behind, and begins anew when it comes back', async () => {
    const bus = await open({ forgetGroupAfterMs: 500 });
    await (await bus.subscribe(subscription, async () => {})).close();
    const left = () => isThere((own) => own.checkExchange(names().group('group')));
    await expect.poll(left, { timeout: 10_000 }).toBe(false);
    const inbox = createInbox();
    await bus.subscribe(subscription, inbox.handle);
    const events = orders(20);
    await bus.publish(events);
    await inbox.holds(events);
  });

  test('what many consumers in turn left unhandled comes in order', async () => {
    const bus = await open();
    const gate = Promise.withResolvers<void>();
    const events = history({ type: 'Order', id: 'one' }, 250);
    for (let round = 0; round < 3; round++) {
      const taken = Promise.withResolvers<void>();
      const consumer = await bus.subscribe({ ...subscription, maxInFlight: 1 }, async () => {
        taken.resolve();
        await gate.promise;
        throw new Error('not now');
      });
      if (round === 0) await bus.publish(events);
      await taken.promise;
      const closing = consumer.close();
      gate.resolve();
      await closing;
    }
    const inbox = createInbox();
    await bus.subscribe(subscription, inbox.handle);
    await inbox.holds(events);
    assertInOrder(inbox.received);
  });
});
