import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type JetStreamManager, type NatsConnection } from 'nats';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type NatsBusOptions, natsBus } from '../../../src/adapters/buses/nats/nats.ts';
import type { EventBus } from '../../../src/ports/event-bus.ts';
import { type Logger, silentLogger } from '../../../src/ports/telemetry.ts';
import {
  assertInOrder,
  assertNothingElse,
  createInbox,
  history,
  inChunks,
  someTurns,
} from '../../../src/testing/bus-fixtures.ts';
import { describeWithServer } from '../../servers/environment.ts';
import { startNats } from '../../servers/nats.ts';
import type { Server } from '../../servers/server.ts';
import { layCord } from './cord.ts';

describeWithServer('TEST_NATS_URL', 'nats: what goes wrong', () => {
  const credentials = { user: 'me', pass: 'p@ss:word' };
  let server: Server;
  let url: string;
  let connection: NatsConnection;
  let jetStream: JetStreamManager;
  const buses: EventBus[] = [];
  let places = 0;

  beforeAll(async () => {
    server = await startNats({ args: ['--user', credentials.user, '--pass', credentials.pass] });
    url = withPassword(credentials.pass);
    connection = await connect({ servers: server.url, ...credentials });
    jetStream = await connection.jetstreamManager();
  });
  afterAll(async () => {
    await Promise.all(buses.map((bus) => bus.close()));
    await connection.close();
    await server.remove();
  });

  function withPassword(password: string, port = server.port): string {
    const secret = password === '' ? '' : `${credentials.user}:${encodeURIComponent(password)}@`;
    return `nats://${secret}127.0.0.1:${port}`;
  }
  async function open(options: Partial<NatsBusOptions> = {}): Promise<EventBus> {
    const bus = await natsBus({ url, namespace: `place${places}`, ...options });
    buses.push(bus);
    return bus;
  }
  const newPlace = () => `place${++places}`;
  const stream = () => `place${places}_events`;
  const state = async () => (await jetStream.streams.info(stream())).state;
  const consumers = async () => {
    const infos = await Array.fromAsync(jetStream.consumers.list(stream()));
    return infos.map(({ name }) => name);
  };
  /** Of so many orders, one each. */
  const orders = (count: number, from = 1) =>
    Array.from({ length: count }, (_, at) => history({ type: 'Order', id: String(from + at) }, 1)).flat();
  const subscription = { group: 'group', patterns: ['Order.*'] };

  test('a wrong password is told at once, without the password', async () => {
    const refused = natsBus({ url: withPassword('secret') });
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_CONFIGURATION' });
    await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining('secret') });
    await expect(natsBus({ url: withPassword('') })).rejects.toMatchObject({ code: 'INVALID_CONFIGURATION' });
    await expect(natsBus({ url: 'http://me:secret@here' })).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
      message: expect.not.stringContaining('secret'),
    });
  });

  test('a server that is not there is BUS_UNAVAILABLE', async () => {
    await expect(natsBus({ url: 'nats://127.0.0.1:1' })).rejects.toMatchObject({ code: 'BUS_UNAVAILABLE' });
  });

  test('a user who may not publish events is told so, not left to wait', async ({ onTestFinished }) => {
    const folder = await mkdtemp(join(tmpdir(), 'statewright-nats-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const config = join(folder, 'nats.conf');
    await writeFile(
      config,
      'authorization { users = [{ user: me, password: it, permissions: { publish: { deny: "*.events.>" } } }] }',
    );
    const strict = await startNats({ args: ['-c', config] });
    onTestFinished(() => strict.remove());
    const bus = await natsBus({ url: `nats://me:it@127.0.0.1:${strict.port}` });
    onTestFinished(() => bus.close());
    await expect(bus.publish(orders(3))).rejects.toMatchObject({ code: 'INVALID_CONFIGURATION' });
  });

  test('a stream or subjects of somebody else are left alone', async () => {
    newPlace();
    await jetStream.streams.add({ name: stream(), subjects: [`place${places}.theirs`] });
    await expect(open()).rejects.toMatchObject({ code: 'INVALID_CONFIGURATION' });
    newPlace();
    await jetStream.streams.add({ name: 'theirs', subjects: [`place${places}.events.>`] });
    await expect(open()).rejects.toMatchObject({ code: 'INVALID_CONFIGURATION' });
  });

  test('what is not ours is stepped over, with a warning, and does not come again', async () => {
    newPlace();
    const warnings: string[] = [];
    const logger: Logger = { ...silentLogger, warn: (_, message) => warnings.push(message) };
    const bus = await open({ logger });
    const inbox = createInbox();
    await bus.subscribe(subscription, inbox.handle);
    const client = connection.jetstream();
    await client.publish(`place${places}.events.Order.Happened.1`, 'garbage');
    await client.publish(`place${places}.events.Order.Happened.2`);
    const events = orders(50);
    await bus.publish(events);
    await inbox.holds(events);
    assertNothingElse(inbox.received, events);
    await expect.poll(() => warnings.length).toBe(2);
    const unacknowledged = async () => (await jetStream.consumers.info(stream(), 'group_all_1')).num_ack_pending;
    await expect.poll(unacknowledged).toBe(0);
  });

  test('a stream that was removed is made anew, and consumers go on, from its beginning', async () => {
    newPlace();
    const bus = await open();
    const inbox = createInbox();
    await bus.subscribe(subscription, inbox.handle);
    const before = orders(20);
    await bus.publish(before);
    await inbox.holds(before);
    await jetStream.streams.delete(stream());
    const after = orders(50, 100);
    await bus.publish(after);
    await inbox.holds([...before, ...after]);
  });

  test('while a stream that was removed is made anew, what several calls publish stays in their order', async () => {
    for (const betweenMs of [0, 1, 2, 3, 5, 8, 12]) {
      newPlace();
      const bus = await open();
      await jetStream.streams.delete(stream());
      const [first, second] = inChunks(history({ type: 'Order', id: 'one' }, 1_000), 500);
      const publishing = bus.publish(first ?? []);
      await delay(betweenMs);
      await Promise.all([publishing, bus.publish(second ?? [])]);
      const at = async (seq: number) => {
        const { header } = await jetStream.streams.getMessage(stream(), { seq });
        return Number(header.get('ce-streamversion'));
      };
      expect([await at(1), await at(501), (await state()).messages]).toEqual([1, 501, 1_000]);
    }
  });

  test('a durable consumer that was removed is made anew, where the group had got to', async () => {
    newPlace();
    const bus = await open();
    const inbox = createInbox();
    await bus.subscribe(subscription, inbox.handle);
    const before = orders(20);
    await bus.publish(before);
    await inbox.holds(before);
    await jetStream.consumers.delete(stream(), 'group_all_1');
    const after = orders(20, 100);
    await bus.publish(after);
    await inbox.holds([...before, ...after]);
    expect(inbox.received).toHaveLength(40);
  });

  test('a full stream is BUS_UNAVAILABLE; then all goes on', async () => {
    newPlace();
    const bus = await open();
    const inbox = createInbox();
    await bus.subscribe(subscription, inbox.handle);
    const events = history({ type: 'Order', id: 'one' }, 100);
    const limited = await jetStream.streams.info(stream());
    const limits = { ...limited.config, discard: 'new', max_msgs: 10 } as typeof limited.config;
    await jetStream.streams.update(stream(), limits);
    await expect(bus.publish(events)).rejects.toMatchObject({ code: 'BUS_UNAVAILABLE' });
    await jetStream.streams.update(stream(), { ...limits, max_msgs: -1 });
    await bus.publish(events);
    await inbox.holds(events);
    assertInOrder(inbox.received);
  });

  test('what lost its confirmation and is published again is there once, in order', async () => {
    newPlace();
    const bus = await open();
    const inbox = createInbox();
    await bus.subscribe(subscription, inbox.handle);
    const events = history({ type: 'Order', id: 'one' }, 200);
    await bus.publish(events.slice(0, 120));
    await bus.publish(events);
    await inbox.holds(events);
    expect(inbox.received.map(({ version }) => version)).toEqual(events.map(({ version }) => version));
    expect((await state()).last_seq).toBe(200);
  });

  test('events stay until every group has handled them, then they go', async () => {
    newPlace();
    const bus = await open({ trimEveryMs: 50 });
    const gate = Promise.withResolvers<void>();
    const quick = createInbox();
    const held = createInbox(() => gate.promise);
    let others = 0;
    /** Nobody reads these; each publishing may trim. @returns the sequence of the first event that is left. */
    const first = async () => {
      await bus.publish(history({ type: 'Other', id: 'one' }, ++others, others));
      return (await state()).first_seq;
    };
    await first();
    await bus.subscribe({ ...subscription, group: 'quick' }, quick.handle);
    await bus.subscribe({ ...subscription, group: 'held' }, held.handle);
    await (await bus.subscribe({ ...subscription, group: 'absent' }, async () => {})).close();
    const events = orders(200);
    await bus.publish(events);
    await quick.holds(events);
    await expect.poll(first, { interval: 100, timeout: 10_000 }).toBe(2);

    const late = createInbox();
    await bus.subscribe({ ...subscription, group: 'absent' }, late.handle);
    await late.holds(events);
    gate.resolve();
    await held.holds(events);
    await expect.poll(first, { interval: 100, timeout: 10_000 }).toBeGreaterThan(201);
  });

  test('a group without consumers for long is forgotten, and begins anew when it comes back', async () => {
    newPlace();
    const bus = await open({ forgetAfterMs: 1_000 });
    await (await bus.subscribe(subscription, async () => {})).close();
    expect(await consumers()).toEqual(['group_all_2']);
    await expect.poll(consumers, { timeout: 20_000 }).toEqual([]);
    const inbox = createInbox();
    await bus.subscribe(subscription, inbox.handle);
    const events = orders(20);
    await bus.publish(events);
    await inbox.holds(events);
  });

  test('a consumer that was taken for gone begins nothing that others have', async () => {
    newPlace();
    const cord = await layCord('127.0.0.1', server.port);
    const dead = await open({ url: withPassword(credentials.pass, cord.port) });
    const alive = await open();
    const gate = Promise.withResolvers<void>();
    const taken = Promise.withResolvers<void>();
    const begun: number[] = [];
    await dead.subscribe(subscription, ({ version }) => {
      begun.push(version);
      taken.resolve();
      return gate.promise;
    });
    const events = history({ type: 'Order', id: 'one' }, 5);
    await alive.publish(events);
    await taken.promise;
    cord.cut();
    const inbox = createInbox();
    await alive.subscribe(subscription, inbox.handle);
    await inbox.holds(events);
    gate.resolve();
    await someTurns();
    expect(begun).toEqual([1]);
  });

  test('a group has one durable consumer, from its second member on one a partition, however they come and go', async () => {
    newPlace();
    const bus = await open({ partitions: 4 });
    const inbox = createInbox();
    const first = await bus.subscribe(subscription, inbox.handle);
    expect(await consumers()).toEqual(['group_all_1']);
    const published = [];
    for (let round = 0; round < 5; round++) {
      const second = await bus.subscribe(subscription, inbox.handle);
      const events = orders(50, round * 50);
      published.push(...events);
      await bus.publish(events);
      await inbox.holds(published);
      await second.close();
    }
    const slices = async () => (await consumers()).map((name) => name.split('_')[1]).toSorted();
    await expect.poll(slices).toEqual(['0', '1', '2', '3']);
    await first.close();
    await expect.poll(slices).toEqual(['0', '1', '2', '3']);
    assertInOrder(inbox.received);
  });

  test('a stream keeps its number of partitions, whatever who comes later asks for', async () => {
    newPlace();
    await open({ partitions: 3 });
    const bus = await open({ partitions: 64 });
    const inboxes = [createInbox(), createInbox()];
    for (const inbox of inboxes) await bus.subscribe(subscription, inbox.handle);
    const events = orders(50);
    await bus.publish(events);
    const received = () => inboxes.flatMap((inbox) => inbox.received.map(({ id }) => id));
    await expect.poll(() => new Set(received()).size).toBe(50);
    expect((await consumers()).length).toBe(3);
  });

  test('nothing of a closed bus keeps the process alive', async () => {
    newPlace();
    const source = new URL('../../../src/adapters/buses/nats/nats.ts', import.meta.url).href;
    const script = `
      import { natsBus } from '${source}';
      const bus = await natsBus(${JSON.stringify({ url, namespace: `place${places}` })});
      const consumer = await bus.subscribe(${JSON.stringify(subscription)}, async () => {});
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
