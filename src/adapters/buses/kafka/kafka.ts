import { systemClock } from '../../../kernel/clock.ts';
import { failure, isFailure } from '../../../kernel/errors.ts';
import type { RecordedEvent } from '../../../kernel/message.ts';
import type { EventBus } from '../../../ports/event-bus.ts';
import { silentLogger } from '../../../ports/telemetry.ts';
import { type BrokerBusOptions, defaultNamespace, maxCloseMs } from '../broker-options.ts';
import { busClosed, busUnavailable, messageTooLarge } from '../bus-errors.ts';
import { settledWithin } from '../settled-within.ts';
import { createKafkaClient, type KafkaConnectionOptions } from './client.ts';
import { createKafkaConsumer, type KafkaConsumer } from './consumer.ts';
import { isTooLarge, openingFailure } from './kafka-errors.ts';
import { type OutgoingMessage, toKafkaMessage } from './messages.ts';
import { batchBytes, createPublisher } from './publisher.ts';
import { createRenewable } from './renewable.ts';
import { ensureTopic } from './topic.ts';

/** All but the brokers optional. */
export interface KafkaBusOptions extends BrokerBusOptions, KafkaConnectionOptions {
  /** Of the topic, when the bus makes it: so many consumers of a group can share the work. Default 16. */
  readonly partitions?: number;
  /** Likewise: the topic's `max.message.bytes`. Default 8 MiB. */
  readonly maxMessageBytes?: number;
  /** A consumer that was not heard of for so long is given up by its group. Default 15,000. */
  readonly sessionTimeoutMs?: number;
  /** After so long without a confirmation `publish` rejects. Default 10,000. */
  readonly publishTimeoutMs?: number;
}

/**
 * A bus over Kafka, in one topic `namespace.events`: only within a topic's partition Kafka keeps order, and an aggregate's
 * events are of many types. A subscription's group is the consumer group `namespace.group`.
 * @throws BUS_UNAVAILABLE, INVALID_CONFIGURATION
 */
export async function kafkaBus(options: KafkaBusOptions): Promise<EventBus> {
  const { namespace = defaultNamespace, clock = systemClock, logger = silentLogger } = options;
  const brokers = options.brokers.join(', ');
  checkNamespace(namespace);
  const client = (patience: 'brief' | 'lasting') => createKafkaClient({ clientId: namespace, ...options }, patience);

  const admin = createRenewable(
    () => {
      const own = client('brief');
      return { client: own, admin: own.kafka.admin() };
    },
    (one) => one.admin.connect(),
    async (one) => one.client.cutOff(),
  );

  const { partitions = 16, maxMessageBytes = 8 * 2 ** 20 } = options;
  const topic = await admin
    .use((one) => ensureTopic(one.admin, { name: `${namespace}.events`, partitions, maxMessageBytes }))
    .catch((error: unknown) => {
      throw openingFailure(brokers, error);
    });
  const publisher = createPublisher({
    topic,
    clock,
    client: () => client('brief'),
    timeoutMs: options.publishTimeoutMs ?? 10_000,
  });
  publisher.warmUp();
  const consumers = new Set<KafkaConsumer>();
  const ending = Promise.withResolvers<never>();
  ending.promise.catch(() => {});
  let closing: Promise<void> | undefined;

  async function publish(events: readonly RecordedEvent[]): Promise<void> {
    if (closing !== undefined) throw busClosed();
    const maxBytes = topic.maxMessageBytes - batchBytes;
    const messages = events.map((event) => {
      const message = toKafkaMessage(event, namespace);
      if (message.bytes > maxBytes) throw messageTooLarge(event, message.bytes, maxBytes);
      return message;
    });
    try {
      await publisher.publish(messages);
    } catch (error) {
      // One of ours is about a call before this one.
      if (!isFailure(error) && isTooLarge(error)) throw tooLarge(events, messages, error);
      throw busUnavailable(brokers, error);
    }
  }

  async function ping(): Promise<void> {
    if (closing !== undefined) throw busClosed();
    const answer = admin.use((one) => one.admin.describeCluster());
    try {
      if (!(await settledWithin(clock, pingMs, answer))) throw new Error(`no answer within ${pingMs} ms`);
      await answer;
    } catch (error) {
      answer.catch(() => {});
      throw busUnavailable(brokers, error);
    }
  }

  async function closeAll(): Promise<void> {
    ending.reject(busClosed());
    publisher.close();
    const closed = Promise.allSettled([...consumers].map((consumer) => consumer.close()));
    await settledWithin(clock, maxCloseMs, closed);
    for (const consumer of consumers) consumer.cutOff();
    await admin.end();
  }

  return {
    provider: 'kafka',
    features: { crossProcess: true, durable: true },
    publish,

    async subscribe(subscription, handle) {
      if (closing !== undefined) throw busClosed();
      const consumer = createKafkaConsumer(
        {
          topic: topic.name,
          group: `${namespace}.${subscription.group}`,
          clock,
          logger,
          sessionTimeoutMs: options.sessionTimeoutMs ?? 15_000,
          dispatch: options,
          client: () => client('lasting'),
          admin: (work) => admin.use((one) => work(one.admin)),
        },
        subscription,
        handle,
      );
      consumers.add(consumer);
      try {
        // A consumer itself is patient.
        await ping();
        await Promise.race([consumer.begin(), ending.promise]);
      } catch (error) {
        consumers.delete(consumer);
        consumer.cutOff();
        throw busUnavailable(brokers, error);
      }
      return {
        async close() {
          await consumer.close();
          consumers.delete(consumer);
        },
      };
    },

    ping,

    close() {
      closing ??= closeAll();
      return closing;
    },
  };
}

const pingMs = 5_000;

/** The broker does not say which of the messages it was, nor whether all of them together. */
function tooLarge(events: readonly RecordedEvent[], messages: readonly OutgoingMessage[], cause: unknown) {
  const [event] = events;
  const [message] = messages;
  if (events.length === 1 && event !== undefined && message !== undefined)
    return messageTooLarge(event, message.bytes, message.bytes - 1);
  return failure('MESSAGE_TOO_LARGE', {
    expected: 'messages that the broker takes together',
    found: `${events.length} that it finds too large`,
    remedy: 'Raise the limit of the topic, or keep the events smaller.',
    cause,
  });
}

function checkNamespace(namespace: string): void {
  if (/^[a-zA-Z0-9._-]{1,200}$/.test(namespace)) return;
  throw failure('INVALID_CONFIGURATION', {
    expected: 'a namespace of 1 to 200 letters, digits, dots, underscores and dashes, as Kafka takes them for a topic',
    found: JSON.stringify(namespace),
  });
}
