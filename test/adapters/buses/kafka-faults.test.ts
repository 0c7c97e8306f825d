import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type Admin, ConfigResourceTypes, type ITopicConfig, Kafka, logLevel, Partitioners } from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type KafkaBusOptions, kafkaBus } from '../../../src/adapters/buses/kafka/kafka.ts';
import type { EventBus } from '../../../src/ports/event-bus.ts';
import { type Logger, silentLogger } from '../../../src/ports/telemetry.ts';
import {
  assertInOrder,
  assertNothingElse,
  createInbox,
  history,
  inChunks,
  interleaved,
  recorded,
  someTurns,
} from '../../../src/testing/bus-fixtures.ts';
import { describeWithServer } from '../../servers/environment.ts';
import { startKafka } from '../../servers/kafka.ts';
import type { Server } from '../../servers/server.ts';
import { relayTooLargeOver } from './relay-over.ts';

const password = 'p@ss word';

describeWithServer('TEST_KAFKA_BROKERS', 'kafka: what goes wrong', () => {
  let server: Server;
  let kafka: Kafka;
  let admin: Admin;
  const buses: EventBus[] = [];
  let places = 0;

  const reach = (): KafkaBusOptions => ({
    brokers: [server.url],
    sasl: { mechanism: 'plain', username: 'ada', password },
    namespace: `place${places}`,
  });

  beforeAll(async () => {
    server = await startKafka({ password });
    const sasl = { mechanism: 'plain', username: 'ada', password } as const;
    kafka = new Kafka({ brokers: [server.url], sasl, logLevel: logLevel.NOTHING });
    admin = kafka.admin();
    await admin.connect();
  }, 120_000);
  afterAll(async () => {
    await Promise.all(buses.map((bus) => bus.close()));
    await admin.disconnect();
    await server.remove();
  });

  async function open(options: Partial<KafkaBusOptions> = {}): Promise<EventBus> {
    const bus = await kafkaBus({ ...reach(), ...options });
    buses.push(bus);
    return bus;
  }
  const newPlace = () => `place${++places}`;
  const topic = () => `place${places}.events`;
  const orders = (count: number, from = 1) =>
    Array.from({ length: count }, (_, at) => recorded({ type: 'Order', id: String(from + at) })).flat();

  async function makeTopic(config: Omit<ITopicConfig, 'topic'>): Promise<void> {
    const topics = [{ ...config, topic: topic(), replicationFactor: 1 }];
    await admin.createTopics({ topics, waitForLeaders: false });
  }

  async function memberOf(group: string): Promise<string | undefined> {
    const { groups } = await admin.describeGroups([group]);
    return groups[0]?.members[0]?.memberId;
  }

  async function unhandled(group: string): Promise<number> {
    const ends = await admin.fetchTopicOffsets(topic());
    const [places] = await admin.fetchOffsets({ groupId: group, topics: [topic()] });
    const at = (wanted: number) => Number(places?.partitions.find(({ partition }) => partition === wanted)?.offset);
    return ends.reduce((sum, { partition, high }) => sum + Number(high) - at(partition), 0);
  }

  test('a wrong password is told at once, without the password', async () => {
    const refused = kafkaBus({ ...reach(), sasl: { mechanism: 'plain', username: 'ada', password: 'secret' } });
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_CONFIGURATION' });
    await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining('secret') });
  });

  test('a namespace that can’t be a topic is told', async () => {
    await expect(kafkaBus({ ...reach(), namespace: 'a b' })).rejects.toMatchObject({ code: 'INVALID_CONFIGURATION' });
  });

  test('a cluster that is not there is BUS_UNAVAILABLE', async () => {
    await expect(kafkaBus({ brokers: ['127.0.0.1:1'] })).rejects.toMatchObject({ code: 'BUS_UNAVAILABLE' });
  });

  test('what is not ours is stepped over, with a warning, and does not come again', async () => {
    newPlace();
    const warnings: string[] = [];
    const logger: Logger = { ...silentLogger, warn: (_, message) => warnings.push(message) };
    const bus = await open({ logger });
    const inbox = createInbox();
    await bus.subscribe({ group: 'group', patterns: ['Order.*'] }, inbox.handle);
    const stranger = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
    await stranger.connect();
    const headers = { ce_source: '/x/Order', ce_type: 'Order.Happened' };
    const strange = Array.from({ length: 16 }, (_, partition) => [
      { partition, key: null, value: null },
      { partition, value: 'not a CloudEvent' },
      { partition, value: '{', headers },
      { partition, value: '{}', headers: { ...headers, ce_id: ['one', 'two'], ce_sequence: '-1' } },
    ]).flat();
    await stranger.send({ topic: topic(), messages: strange });
    await stranger.disconnect();
    const events = orders(50);
    await bus.publish(events);
    await inbox.holds(events);
    assertNothingElse(inbox.received, events);
    await expect.poll(() => warnings.length, { timeout: 10_000 }).toBe(strange.length);
    await expect.poll(() => unhandled(`place${places}.group`), { timeout: 10_000 }).toBe(0);
  });

  test('connections that break again and again under load lose nothing, and keep the order', {
    timeout: 120_000,
  }, async () => {
    newPlace();
    const sockets = new Set<Socket>();
    const bus = await open({
      connect(host, port) {
        const socket = connect({ host, port });
        sockets.add(socket);
        socket.once('close', () => sockets.delete(socket));
        return socket;
      },
    });
    const inbox = createInbox(() => someTurns(1));
    await bus.subscribe({ group: 'group', patterns: ['Order.*'] }, inbox.handle);
    const events = interleaved(Array.from({ length: 20 }, (_, id) => history({ type: 'Order', id: String(id) }, 100)));
    for (const [at, chunk] of inChunks(events, 50).entries()) {
      // After some publishing began, and before others.
      if (at % 8 === 3) setImmediate(() => breakAll());
      while (!(await published(bus, chunk))) await someTurns();
    }
    await inbox.holds(events);
    assertInOrder(inbox.received);

    function breakAll(): void {
      for (const socket of sockets) socket.destroy(new Error('broken by the test'));
    }
  });

  test('consumers go on with a topic that was made anew under them', { timeout: 120_000 }, async () => {
    newPlace();
    const bus = await open();
    const inbox = createInbox();
    await bus.subscribe({ group: 'group', patterns: ['Order.*'] }, inbox.handle);
    const before = orders(100);
    await bus.publish(before);
    await inbox.holds(before);
    await admin.deleteTopics({ topics: [topic()] });
    await expect(bus.publish(before)).rejects.toMatchObject({ code: 'BUS_UNAVAILABLE' });
    await makeTopic({ numPartitions: 16 });
    // By its name a new topic can't be told from the old one: what lies before their offsets there is left to the log.
    const meanwhile = orders(100, 1_001);
    while (!(await published(bus, meanwhile))) await someTurns();
    await inbox.until(() => inbox.received.length > before.length, 'the first of the new topic');
    const after = orders(100, 2_001);
    await bus.publish(after);
    await inbox.holds([...before, ...after]);
  });

  test('the relay steps over events that are too large for a topic whose limit was lowered, and carries all others', async () => {
    newPlace();
    const bus = await open();
    const inbox = createInbox();
    await bus.subscribe({ group: 'group', patterns: ['Order.*'] }, inbox.handle);
    const configEntries = [{ name: 'max.message.bytes', value: '20000' }];
    const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic(), configEntries }];
    await admin.alterConfigs({ validateOnly: false, resources });
    const events = await relayTooLargeOver(bus, 'x'.repeat(40_000));
    await inbox.holds(events);
    assertNothingElse(inbox.received, events);
  });

  test('a topic that is there already is used as it is: its partitions, its limit', async () => {
    newPlace();
    const configEntries = [{ name: 'max.message.bytes', value: '40000' }];
    await makeTopic({ numPartitions: 2, configEntries });
    const bus = await open();
    const inbox = createInbox();
    const subscription = { group: 'group', patterns: ['Order.*'] };
    for (let member = 0; member < 3; member++) await bus.subscribe(subscription, inbox.handle);
    const large = recorded({ type: 'Order', id: 'large' }, 1, 'x'.repeat(40_000));
    await expect(bus.publish([large])).rejects.toMatchObject({ code: 'MESSAGE_TOO_LARGE' });
    // More than a record batch may hold.
    const events = Array.from({ length: 100 }, (_, at) =>
      recorded({ type: 'Order', id: 'one' }, at + 1, 'x'.repeat(2_000)),
    );
    await bus.publish(events);
    await inbox.holds(events);
    assertInOrder(inbox.received);
  });

  test('a handler that takes long keeps its partition alone: who joins gets the others at once', async () => {
    newPlace();
    const [bus, other] = [await open(), await open()];
    const gate = Promise.withResolvers<void>();
    const taken = Promise.withResolvers<void>();
    const slow = createInbox(() => {
      taken.resolve();
      return gate.promise;
    });
    const subscription = { group: 'group', patterns: ['Order.*'], maxInFlight: 1 };
    await bus.subscribe(subscription, slow.handle);
    await bus.publish([recorded({ type: 'Order', id: 'held' })]);
    await taken.promise;
    const quick = createInbox();
    await other.subscribe(subscription, quick.handle);
    await bus.publish([recorded({ type: 'Order', id: 'held' }, 2), ...orders(50)]);
    await quick.until(() => quick.received.length > 0, 'a share');
    expect(quick.received.map(({ stream }) => stream.id)).not.toContain('held');
    gate.resolve();
    await expect.poll(() => slow.received.length + quick.received.length, { timeout: 10_000 }).toBe(52);
  });

  test('a member that its group gave up goes on with what it has, when nobody else did', {
    timeout: 120_000,
  }, async () => {
    newPlace();
    // A broker that stands still for longer than a session lasts forgets all members when it goes on.
    const bus = await open({ sessionTimeoutMs: 6_000, publishTimeoutMs: 15_000 });
    const gate = Promise.withResolvers<void>();
    const handled: string[] = [];
    const inbox = createInbox(async ({ stream: { id }, version }) => {
      handled.push(`${id} ${version}`);
      if (id === '7' && version === 3) await gate.promise;
    });
    await bus.subscribe({ group: 'group', patterns: ['Order.*'] }, inbox.handle);
    const streams = Array.from({ length: 20 }, (_, id) => history({ type: 'Order', id: String(id) }, 5));
    await bus.publish(streams.flat());
    await expect.poll(() => handled.length, { timeout: 10_000 }).toBe(98);
    const before = await memberOf(`place${places}.group`);
    // Now and then a member is heard again before its session is seen to have ended.
    for (let id = 100; (await memberOf(`place${places}.group`)) === before; id++) {
      const more = orders(1, id);
      await server.pause();
      await expect(bus.publish(more)).rejects.toMatchObject({ code: 'BUS_UNAVAILABLE' });
      server.resume();
      while (!(await published(bus, more))) await someTurns();
      await inbox.holds(more);
    }
    const after = Array.from({ length: 20 }, (_, id) => history({ type: 'Order', id: String(id) }, 10, 6)).flat();
    while (!(await published(bus, after))) await someTurns();
    await inbox.until(() => inbox.received.some(({ version }) => version === 10), 'what came after');
    gate.resolve();
    await inbox.holds([...streams.flat(), ...after]);
    assertInOrder(inbox.received);
    expect(handled.filter((one) => one === '7 3')).toHaveLength(1);
  });

  test('nothing of a closed bus keeps the process alive', async () => {
    newPlace();
    const source = new URL('../../../src/adapters/buses/kafka/kafka.ts', import.meta.url).href;
    const script = `
      import { kafkaBus } from '${source}';
      const bus = await kafkaBus(${JSON.stringify(reach())});
      const consumer = await bus.subscribe({ group: 'group', patterns: ['*.*'] }, async () => {});
      await bus.publish(${JSON.stringify(orders(3))});
      await bus.close();
      process.send('closed');
      process.disconnect();
    `;
    const args = ['--conditions=statewright:source', '--input-type=module', '--eval', script];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    await once(child, 'message');
    const closedMs = performance.now();
    await once(child, 'exit');
    expect(child.exitCode).toBe(0);
    expect(performance.now() - closedMs).toBeLessThan(3_000);
  });
});

/** @returns false when the bus could not confirm it. */
async function published(bus: EventBus, events: Parameters<EventBus['publish']>[0]): Promise<boolean> {
  try {
    await bus.publish(events);
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: 'BUS_UNAVAILABLE' });
    return false;
  }
}
