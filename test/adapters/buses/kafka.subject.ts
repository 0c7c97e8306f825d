import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { Kafka, logLevel } from 'kafkajs';
import { type KafkaBusOptions, kafkaBus } from '../../../src/adapters/buses/kafka/kafka.ts';
import type { EventBus } from '../../../src/ports/event-bus.ts';
import type { BusAdapter } from '../../../src/testing/bus-subject.ts';
import { startKafka } from '../../servers/kafka.ts';
import type { Server } from '../../servers/server.ts';

/** Kafka on a broker that others use as well; a location is a namespace. */
export function sharedKafka(brokers: string): BusAdapter<string> {
  return {
    name: 'kafka',
    features: ['durable', 'crossProcess', 'bounded', 'killable'],
    newLocation: async () => `test-${randomUUID().slice(0, 8)}`,
    open: (namespace) => openKafka(brokers, { namespace }),
    destroy: (namespace) => removeNamespace(brokers, namespace),
    oversizeBytes: 9 * 2 ** 20,
    kill: cutKafka,
  };
}

/** Kafka on brokers of their own. */
export const ownKafka: BusAdapter<Server> = {
  name: 'kafka',
  features: ['durable', 'crossProcess', 'restartable'],
  newLocation: () => startKafka(),
  open: ({ url }) => openKafka(url, {}),
  destroy: (server) => server.remove(),
  broker: (server) => ({
    async stop(how) {
      if (how === 'stopped') await server.stop();
      else if (how === 'killed') await server.kill();
      else await server.pause();
    },
    async start() {
      await server.resume();
      await server.restart();
    },
  }),
};

/** Opens a bus that `cutKafka` can cut off. */
export async function openKafka(brokers: string, options: Partial<KafkaBusOptions>): Promise<EventBus> {
  const sockets = new Set<Socket>();
  const line = { sockets, cut: false };
  const bus = await kafkaBus({
    brokers: brokers.split(','),
    connect(host, port) {
      if (line.cut) throw new Error('the line is cut');
      const socket = connect({ host, port });
      sockets.add(socket);
      return socket;
    },
    ...options,
  });
  lines.set(bus, line);
  return bus;
}

/** Ends its connections without a farewell, for ever: what a killed process looks like from the broker. */
export async function cutKafka(bus: EventBus): Promise<void> {
  const line = lines.get(bus);
  if (line === undefined) return;
  line.cut = true;
  for (const socket of line.sockets) socket.destroy(new Error('the line is cut'));
}

const lines = new WeakMap<EventBus, { readonly sockets: ReadonlySet<Socket>; cut: boolean }>();

/** Removes the namespace's topic and groups from the broker. */
async function removeNamespace(brokers: string, namespace: string): Promise<void> {
  const admin = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    await admin.deleteTopics({ topics: [`${namespace}.events`] });
  } finally {
    await admin.disconnect();
  }
}
