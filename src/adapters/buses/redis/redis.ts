import { systemClock } from '../../../kernel/clock.ts';
import type { EventBus } from '../../../ports/event-bus.ts';
import { silentLogger } from '../../../ports/telemetry.ts';
import { type BrokerBusOptions, defaultNamespace, maxCloseMs } from '../broker-options.ts';
import { busClosed } from '../bus-errors.ts';
import { settledWithin } from '../settled-within.ts';
import { type Connection, connect } from './connection.ts';
import { type Consumer, createConsumer } from './consumer.ts';
import { type Keys, keysOf, type Place } from './keys.ts';
import { createPublisher } from './publisher.ts';

export interface RedisBusOptions extends BrokerBusOptions {
  /** Such as `redis://user:password@host:6379/2`; `rediss:` for TLS. */
  readonly url: string;
  /** How many streams each type of aggregates has; the first bus in a namespace decides for all. Default 16. */
  readonly partitions?: number;
  /** Events of more bytes, as CloudEvents, are refused. Default 8 MiB. */
  readonly maxMessageBytes?: number;
  /** Handled entries stay at least so long, for who reads the streams without a group. Default 60,000. */
  readonly keepMs?: number;
  /** A group that nobody reads for so long is forgotten, and what it missed is read from the log. Default 3,600,000. */
  readonly forgetGroupAfterMs?: number;
  /** A consumer that shows no life for so long loses its partitions to the others. Default 5,000. */
  readonly leaseMs?: number;
}

/**
 * A bus on Redis Streams, from Redis 6.2 on. An aggregate's events are in the stream of its type and partition; within a
 * group one consumer at a time reads a partition, so order holds however many there are.
 * @throws INVALID_CONFIGURATION, BUS_UNAVAILABLE
 */
export async function redisBus(options: RedisBusOptions): Promise<EventBus> {
  const { namespace = defaultNamespace, clock = systemClock, logger = silentLogger, leaseMs = 5_000 } = options;
  const { maxMessageBytes = 8 * 2 ** 20, keepMs = 60_000, forgetGroupAfterMs = 3_600_000 } = options;
  const keys = keysOf(namespace);
  const connection = await connect(options.url, logger);
  const partitions = await agreedPartitions(connection, keys, options.partitions ?? 16);
  const consumers = new Set<Consumer>();
  const publisher = createPublisher({
    connection,
    clock,
    keys,
    namespace,
    partitions,
    maxMessageBytes,
    keepMs,
    forgetGroupAfterMs,
  });
  let closing: Promise<void> | undefined;

  connection.listen(
    [keys.bell, keys.changes],
    (channel, text) => {
      if (channel === keys.changes) {
        for (const consumer of consumers) if (consumer.group === text) consumer.rebalance();
      } else {
        const places: readonly Place[] = JSON.parse(text);
        for (const consumer of consumers) consumer.wake(places);
      }
    },
    () => {
      for (const consumer of consumers) consumer.reconnected();
    },
  );

  return {
    provider: 'redis',
    features: { crossProcess: true, durable: true },

    async publish(events) {
      if (closing !== undefined) throw busClosed();
      try {
        await publisher.publish(events);
      } catch (error) {
        throw closing === undefined ? error : busClosed();
      }
    },

    async subscribe(subscription, handle) {
      if (closing !== undefined) throw busClosed();
      const consumer = createConsumer(
        { connection, clock, logger, keys, partitions, limits: options, leaseMs },
        subscription,
        handle,
      );
      consumers.add(consumer);
      const close = () => consumer.close().finally(() => consumers.delete(consumer));
      try {
        await consumer.join();
      } catch (error) {
        await close();
        throw closing === undefined ? error : busClosed();
      }
      if (closing !== undefined) throw busClosed();
      return { close };
    },

    async ping() {
      if (closing !== undefined) throw busClosed();
      await connection.send('PING');
    },

    close() {
      closing ??= closeAll();
      return closing;
    },
  };

  async function closeAll(): Promise<void> {
    publisher.stop();
    const left = Promise.all([...consumers].map((consumer) => consumer.close()));
    if (!(await settledWithin(clock, maxCloseMs, left))) {
      const told = Promise.all([...consumers].map((consumer) => consumer.abandon()));
      await settledWithin(clock, maxFarewellMs, told);
    }
    connection.close();
  }
}

/** For consumers whose handlers did not end. */
const maxFarewellMs = 500;

async function agreedPartitions(connection: Connection, keys: Keys, wanted: number): Promise<number> {
  try {
    await connection.send('SETNX', keys.partitions, wanted);
    return Number(await connection.send('GET', keys.partitions));
  } catch (error) {
    connection.close();
    throw error;
  }
}
