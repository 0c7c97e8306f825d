import { systemClock } from '../../../kernel/clock.ts';
import { failure } from '../../../kernel/errors.ts';
import type { EventBus } from '../../../ports/event-bus.ts';
import { silentLogger } from '../../../ports/telemetry.ts';
import { type BrokerBusOptions, defaultNamespace, maxCloseMs } from '../broker-options.ts';
import { busClosed, busUnavailable, messageTooLarge } from '../bus-errors.ts';
import { settledWithin } from '../settled-within.ts';
import { openLink, placeOf } from './link.ts';
import { createMember, type Member } from './member.ts';
import { toMessage } from './messages.ts';
import { createPublisher } from './publisher.ts';
import { createRoster } from './roster.ts';
import { namesOf } from './topology.ts';

/** All but the address optional. */
export interface RabbitmqBusOptions extends Omit<BrokerBusOptions, 'maxHeld'> {
  /** Such as `amqp://user:password@host:5672/vhost`; `amqps:` for TLS. */
  readonly url: string;
  /** Events of more bytes, as messages, are refused. Default 8 MiB; the broker's own limit may be lower. */
  readonly maxMessageBytes?: number;
  /** The queues of a group without consumers go after so long, and what it missed is read from the log. Default 3,600,000. */
  readonly forgetGroupAfterMs?: number;
}

/**
 * A bus on RabbitMQ, from 3.10 on. Events go to the topic exchange `namespace.events`, from there to the quorum queues of
 * each group, one for each partition; of a queue's consumers one at a time is active, so order holds however many there are.
 * @throws INVALID_CONFIGURATION, BUS_UNAVAILABLE
 */
export async function rabbitmqBus(options: RabbitmqBusOptions): Promise<EventBus> {
  const { url, namespace = defaultNamespace, clock = systemClock, logger = silentLogger } = options;
  const { maxMessageBytes = 8 * 2 ** 20, forgetGroupAfterMs = 3_600_000 } = options;
  checkNamespace(namespace);
  const where = placeOf(url);
  const names = namesOf(namespace);
  const roster = createRoster(names, clock);
  const members = new Set<Member>();
  const publisher = createPublisher({ names, clock, stuck: () => publishing.drop() });
  const ending = Promise.withResolvers<never>();
  ending.promise.catch(() => {});
  let closing: Promise<void> | undefined;
  /** The broker's own limit, once it has closed a channel for it. */
  let maxBodyBytes = Number.POSITIVE_INFINITY;

  // Two, as a broker that is short of memory or disk stops reading from who publishes; who consumes can still acknowledge.
  const publishing = await openLink({
    url,
    clock,
    logger,
    async begin(model) {
      maxBodyBytes = Number.POSITIVE_INFINITY;
      await publisher.begin(model);
      await roster.speak(model);
    },
    lost() {},
  }).catch((error: unknown) => {
    roster.close();
    throw error;
  });
  const consuming = await openLink({
    url,
    clock,
    logger,
    async begin(model) {
      await roster.listen(model);
      for (const member of members) member.connected(model);
    },
    lost() {
      for (const member of members) member.disconnected();
    },
  }).catch(async (error: unknown) => {
    roster.close();
    await publishing.close();
    throw error;
  });

  /** An answer of the broker, unless the bus is closed before it comes. */
  async function answered<Answer>(answer: Promise<Answer>): Promise<Answer> {
    try {
      return await Promise.race([answer, ending.promise]);
    } catch (error) {
      answer.catch(() => {});
      throw closing === undefined ? busUnavailable(where, error) : busClosed();
    }
  }

  return {
    provider: 'rabbitmq',
    features: { crossProcess: true, durable: true },

    async publish(events) {
      if (closing !== undefined) throw busClosed();
      const messages = events.map((event) => {
        const message = toMessage(event, namespace);
        if (message.bytes > maxMessageBytes) throw messageTooLarge(event, message.bytes, maxMessageBytes);
        const bodyBytes = message.content.length;
        if (bodyBytes > maxBodyBytes) throw messageTooLarge(event, bodyBytes, maxBodyBytes);
        return { event, ...message };
      });
      try {
        await answered(publisher.publish(messages));
      } catch (error) {
        maxBodyBytes = limitIn(error) ?? maxBodyBytes;
        const large = messages.find(({ content }) => content.length > maxBodyBytes);
        throw large === undefined ? error : messageTooLarge(large.event, large.content.length, maxBodyBytes);
      }
    },

    async subscribe(subscription, handle) {
      if (closing !== undefined) throw busClosed();
      const model = consuming.current();
      if (model === undefined) throw busUnavailable(where, 'no connection');
      const tools = { clock, logger, names, roster, limits: options, forgetGroupAfterMs };
      const member = createMember(tools, subscription, handle);
      members.add(member);
      const close = () => member.close().finally(() => members.delete(member));
      try {
        await answered(member.join(model));
      } catch (error) {
        close();
        throw error;
      }
      return { close };
    },

    async ping() {
      if (closing !== undefined) throw busClosed();
      await answered(publisher.ping());
    },

    close() {
      closing ??= closeAll();
      return closing;
    },
  };

  async function closeAll(): Promise<void> {
    ending.reject(busClosed());
    await settledWithin(clock, maxCloseMs, Promise.all([...members].map((member) => member.close())));
    roster.close();
    await Promise.all([publishing.close(), consuming.close()]);
  }
}

/** Of a message's body, when it closed the channel for being longer: for all that was published then. */
function limitIn(error: unknown): number | undefined {
  const [, limit] = /larger than configured max size (\d+)/.exec(error instanceof Error ? error.message : '') ?? [];
  return limit === undefined ? undefined : Number(limit);
}

function checkNamespace(namespace: string): void {
  if (Buffer.byteLength(namespace) <= 100 && /^(?!amq\.)./u.test(namespace)) return;
  throw failure('INVALID_CONFIGURATION', {
    expected: 'a namespace of 1 to 100 bytes that does not begin with `amq.`, as RabbitMQ takes them for names',
    found: JSON.stringify(namespace),
  });
}
