import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RedisBusOptions, redisBus } from '../../../src/adapters/buses/redis/redis.ts';
import type { EventBus } from '../../../src/ports/event-bus.ts';
import { type Logger, silentLogger } from '../../../src/ports/telemetry.ts';
import {
  assertInOrder,
  assertNothingElse,
  createInbox,
  history,
  someTurns,
} from '../../../src/testing/bus-fixtures.ts';
import { describeWithServer } from '../../servers/environment.ts';
import { startRedis } from '../../servers/redis.ts';
import type { Server } from '../../servers/server.ts';
import { layCord } from './cord.ts';

describeWithServer('TEST_REDIS_URL', 'redis: what goes wrong', () => {
  let server: Server;
  let redis: Redis;
  const buses: EventBus[] = [];
  let places = 0;

  beforeAll(async () => {
    // A stream's oldest entries go one by one, not by the hundred.
    server = await startRedis({ password: 'p@ss:word', args: ['--stream-node-max-entries', '1'] });
    redis = new Redis(server.url);
  });
  afterAll(async () => {
    await Promise.all(buses.map((bus) => bus.close()));
    redis.disconnect();
    await server.remove();
  });

  async function open(options: Partial<RedisBusOptions> = {}): Promise<EventBus> {
    const bus = await redisBus({ url: server.url, namespace: `place${places}`, ...options });
    buses.push(bus);
    return bus;
  }
  const newPlace = () => `place${++places}`;
  const stream = (partition: number, type = 'Order') => `{place${places}}:events:${type}:${partition}`;
  const streams = Array.from({ length: 16 }, (_, partition) => partition);
  const lengthOf = async (type?: string) => {
    const lengths = await Promise.all(streams.map((partition) => redis.xlen(stream(partition, type))));
    return lengths.reduce((sum, length) => sum + length, 0);
  };
  /** Of so many orders, one each. */
  const orders = (count: number, from = 1) =>
    Array.from({ length: count }, (_, at) => history({ type: 'Order', id: String(from + at) }, 1)).flat();

  test('a wrong password or database is told at once, without the password', async () => {
    const wrong = new URL(server.url);
    wrong.password = 'secret';
    const refused = redisBus({ url: wrong.href });
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_CONFIGURATION' });
    await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining('secret') });
    wrong.password = '';
    await expect(redisBus({ url: wrong.href })).rejects.toMatchObject({ code: 'INVALID_CONFIGURATION' });
    await expect(redisBus({ url: `${server.url}/99` })).rejects.toMatchObject({ code: 'INVALID_CONFIGURATION' });
  });

  test('a server that is not there is BUS_UNAVAILABLE', async () => {
    await expect(redisBus({ url: 'redis://127.0.0.1:1' })).rejects.toMatchObject({ code: 'BUS_UNAVAILABLE' });
  });

  test('what is not ours is stepped over, with a warning, and does not come again', async () => {
    newPlace();
    const warnings: string[] = [];
    const logger: Logger = { ...silentLogger, warn: (_, message) => warnings.push(message) };
    const bus = await open({ logger });
    const inbox = createInbox();
    await bus.subscribe({ group: 'group', patterns: ['Order.*'] }, inbox.handle);
    for (const partition of streams) {
      await redis.xadd(stream(partition), '*', 'some', 'thing');
      await redis.xadd(stream(partition), '*', 'type', 'Order.Happened', 'cloudevent', '{"id":1}');
      await redis.xadd(stream(partition), '*', 'type', 'nothing', 'cloudevent', '');
    }
    const events = orders(50);
    await bus.publish(events);
    await inbox.holds(events);
    assertNothingElse(inbox.received, events);
    await expect.poll(() => warnings.length, { timeout: 10_000 }).toBe(32);
    const pending = async () => {
      const groups = await Promise.all(streams.map((partition) => redis.xpending(stream(partition), 'group')));
      return groups.map(([count]) => count);
    };
    await expect.poll(pending).toEqual(streams.map(() => 0));
  });

  test('a server that lost everything is filled anew, and consumers go on', async () => {
    newPlace();
    const bus = await open();
    const inbox = createInbox();
    await bus.subscribe({ group: 'group', patterns: ['Order.*'] }, inbox.handle);
    const before = orders(20);
    await bus.publish(before);
    await inbox.holds(before);
    await redis.flushall();
    const after = orders(20, 100);
    await bus.publish(after);
    await inbox.holds([...before, ...after]);
  });

  test('a server without memory is BUS_UNAVAILABLE and takes nothing in part; then all goes on', async () => {
    newPlace();
    const bus = await open();
    const inbox = createInbox();
    await bus.subscribe({ group: 'group', patterns: ['Order.*'] }, inbox.handle);
    const events = history({ type: 'Order', id: 'one' }, 100);
    await redis.config('SET', 'maxmemory', '1mb');
    await expect(bus.publish(events)).rejects.toMatchObject({
      code: 'BUS_UNAVAILABLE',
      message: expect.stringContaining('OOM'),
    });
    await redis.config('SET', 'maxmemory', '0');
    expect(await lengthOf()).toBe(0);
    await bus.publish(events);
    await inbox.holds(events);
    assertInOrder(inbox.received);
  });

  test('entries stay until every group has handled them, then they go', async () => {
    newPlace();
    const bus = await open({ keepMs: 0 });
    const gate = Promise.withResolvers<void>();
    const quick = createInbox();
    const held = createInbox(() => gate.promise);
    await bus.subscribe({ group: 'quick', patterns: ['Order.*'] }, quick.handle);
    await bus.subscribe({ group: 'held', patterns: ['Order.*'] }, held.handle);
    const absent = await bus.subscribe({ group: 'absent', patterns: ['Order.*'] }, async () => {});
    await absent.close();
    const publish = async (from: number) => {
      const events = orders(200, from);
      await bus.publish([...events, ...history({ type: 'Other', id: 'one' }, 1)]);
      await quick.holds(events);
      // That what nobody reads is removed shows that a trimming went by.
      await expect.poll(() => lengthOf('Other'), { timeout: 10_000 }).toBe(0);
      return events;
    };
    const unread = await publish(1);
    expect(await lengthOf()).toBe(200);

    const late = createInbox();
    await bus.subscribe({ group: 'absent', patterns: ['Order.*'] }, late.handle);
    await late.holds(unread);
    const unacknowledged = await publish(1_001);
    expect(await lengthOf()).toBe(400);

    gate.resolve();
    await held.holds([...unread, ...unacknowledged]);
    await publish(2_001);
    // The last one of each stays.
    await expect.poll(() => lengthOf(), { timeout: 10_000 }).toBe(16);
  });

  test('a group that nobody reads for long is forgotten, and begins anew when it comes back', async () => {
    newPlace();
    const bus = await open({ keepMs: 0, forgetGroupAfterMs: 500 });
    const subscription = { group: 'gone', patterns: ['Order.*'] };
    await (await bus.subscribe(subscription, async () => {})).close();
    const groups = async () => {
      await bus.publish(orders(300));
      const all = await Promise.all(streams.map((partition) => redis.xinfo('GROUPS', stream(partition))));
      return all.flat();
    };
    await expect.poll(groups, { timeout: 10_000, interval: 300 }).toEqual([]);
    const inbox = createInbox();
    await bus.subscribe(subscription, inbox.handle);
    const events = orders(20, 1_000);
    await bus.publish(events);
    await inbox.holds(events);
  });

  test('a group of all types gets those that come later, also while none of its consumers is there', async () => {
    newPlace();
    const bus = await open();
    const subscription = { group: 'all', patterns: ['*.*'] };
    const first = createInbox();
    const consumer = await bus.subscribe(subscription, first.handle);
    const orders = history({ type: 'Order', id: 'one' }, 3);
    await bus.publish(orders);
    await first.holds(orders);
    await consumer.close();
    const users = history({ type: 'User', id: 'one' }, 3);
    await bus.publish(users);
    const second = createInbox();
    await bus.subscribe(subscription, second.handle);
    await second.holds(users);
    assertNothingElse(second.received, users);
  });

  test('a consumer that was taken for dead begins nothing that others have', async () => {
    newPlace();
    const cord = await layCord('127.0.0.1', server.port);
    const url = new URL(server.url);
    url.port = String(cord.port);
    const leaseMs = 1_000;
    const dead = await open({ url: url.href, leaseMs });
    const alive = await open({ leaseMs });
    const subscription = { group: 'group', patterns: ['Order.*'] };
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

  test('consumers that come and go leave no names behind', async () => {
    newPlace();
    const bus = await open({ leaseMs: 1_000 });
    const subscription = { group: 'group', patterns: ['Order.*'] };
    for (let round = 0; round < 5; round++) {
      const inbox = createInbox();
      const consumer = await bus.subscribe(subscription, inbox.handle);
      const events = orders(50, round * 50);
      await bus.publish(events);
      await inbox.holds(events);
      await consumer.close();
    }
    const consumers = await Promise.all(
      streams.map((partition) => redis.xinfo('CONSUMERS', stream(partition), 'group')),
    );
    expect(consumers.flat()).toEqual([]);
  });
});
