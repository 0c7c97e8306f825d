import { Events, type NatsConnection } from 'nats';
import { systemClock } from '../../../kernel/clock.ts';
import { failure } from '../../../kernel/errors.ts';
import type { EventBus } from '../../../ports/event-bus.ts';
import { silentLogger } from '../../../ports/telemetry.ts';
import { type BrokerBusOptions, defaultNamespace, maxCloseMs } from '../broker-options.ts';
import { busClosed } from '../bus-errors.ts';
import { settledWithin } from '../settled-within.ts';
import { createAtMost } from './at-most.ts';
import { answerTimeoutMs, dial, natsFailure, parseAddress } from './connection.ts';
import type { Link } from './link.ts';
import { joinGroup, type Member } from './member.ts';
import { createPublisher } from './publisher.ts';
import { ensureStream } from './stream.ts';
import { createTopology } from './topology.ts';
import { createTrimmer } from './trimmer.ts';

export interface NatsBusOptions extends BrokerBusOptions {
  /** `nats://127.0.0.1:4222`, `nats://user:password@host:4222`, `nats://token@host`, `tls://…`; several with commas between. */
  readonly url: string;
  /** Into how many parts a new stream is divided: so many consumers of a group can work at once. Default 16. */
  readonly partitions?: number;
  /** Copies that a cluster keeps of a new stream: 1…5. Default 1. */
  readonly replicas?: number;
  /** A group without any consumer for so long is forgotten, and what waited for it. Default a week. */
  readonly forgetAfterMs?: number;
  /** How often what every group has handled is removed, while something is published. Default 10,000. */
  readonly trimEveryMs?: number;
}

/**
 * A bus on NATS JetStream, 2.10 or newer: one stream, divided into partitions by aggregate, trimmed of what every group has
 * handled; durable pull consumers, one for a group that has one consumer, else one for each partition of the group.
 * @throws BUS_UNAVAILABLE, INVALID_CONFIGURATION
 */
export async function natsBus(options: NatsBusOptions): Promise<EventBus> {
  const { namespace = defaultNamespace, clock = systemClock, logger = silentLogger } = options;
  const { partitions: wanted = 16, replicas = 1, forgetAfterMs = 7 * 86_400_000 } = options;
  if (!Number.isInteger(wanted) || wanted < 1 || wanted > 256)
    throw failure('INVALID_CONFIGURATION', { expected: '1…256 partitions', found: String(wanted) });
  const address = parseAddress(options.url);
  const topology = createTopology(namespace);
  const connection = await dial(address, true);
  const jetStream = await connection.jetstreamManager({ timeout: answerTimeoutMs, checkAPI: false });
  const streamExists = () =>
    ensureStream(jetStream, namespace, topology, { partitions: wanted, replicas, forgetAfterMs });
  const partitions = await orClose(connection, address.broker, streamExists);
  const link: Link = {
    clock,
    logger,
    connection,
    jetStream,
    topology,
    atMost: createAtMost(32),
    partitions,
    forgetAfterMs,
    dispatching: options,
    // The server counts the subject as well.
    maxBytes: () => Math.max(2 ** 20, connection.info?.max_payload ?? 0) + 2 ** 16,
  };
  const publisher = createPublisher({
    address,
    clock,
    namespace,
    topology,
    maxBytes: connection.info?.max_payload ?? Number.POSITIVE_INFINITY,
    ensureStream: streamExists,
  });
  const trimmer = createTrimmer(link, options.trimEveryMs ?? 10_000);
  const members = new Set<Member>();
  let closing: Promise<void> | undefined;
  void follow();

  return {
    provider: 'nats',
    features: { crossProcess: true, durable: true },

    async publish(events) {
      if (closing !== undefined) throw busClosed();
      if (events.length === 0) return;
      await publisher.publish(events);
      trimmer.published();
    },

    async subscribe(subscription, handle) {
      const member = await attempt(() => joinGroup(link, subscription, handle));
      if (closing !== undefined) {
        await member.close();
        throw busClosed();
      }
      members.add(member);
      return {
        async close() {
          await member.close();
          members.delete(member);
        },
      };
    },

    ping: () => attempt(async () => void (await jetStream.streams.info(topology.stream))),

    close() {
      closing ??= closeAll();
      return closing;
    },
  };

  async function attempt<Result>(task: () => Promise<Result>): Promise<Result> {
    if (closing !== undefined) throw busClosed();
    try {
      return await task();
    } catch (error) {
      throw closing === undefined ? natsFailure(address.broker, error) : busClosed();
    }
  }

  async function closeAll(): Promise<void> {
    const left = Promise.all([...members].map((member) => member.close()));
    await settledWithin(clock, maxCloseMs, left);
    // What was acknowledged is still on its way to the server.
    await settledWithin(clock, lastWordsMs, Promise.all([publisher.close(), connection.flush()]));
    await settledWithin(clock, lastWordsMs, connection.close());
  }

  /** Whatever the server sent while the connection broke is lost: every consumer begins anew. */
  async function follow(): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type === Events.Disconnect) logger.warn({ broker: address.broker }, 'The bus lost its connection.');
      if (type !== Events.Reconnect) continue;
      logger.info({ broker: address.broker }, 'The bus is connected again.');
      await streamExists().catch((error: unknown) => logger.warn({ error }, 'The stream could not be found again.'));
      for (const member of members) member.reconnected();
    }
  }
}

const lastWordsMs = 300;

async function orClose<Result>(
  connection: NatsConnection,
  broker: string,
  task: () => Promise<Result>,
): Promise<Result> {
  try {
    return await task();
  } catch (error) {
    await connection.close();
    throw natsFailure(broker, error);
  }
}
