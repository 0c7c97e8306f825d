import { randomUUID } from 'node:crypto';
import { connect } from 'amqplib';
import { rabbitmqBus } from '../../../src/adapters/buses/rabbitmq/rabbitmq.ts';
import { namesOf, partitions } from '../../../src/adapters/buses/rabbitmq/topology.ts';
import type { EventBus } from '../../../src/ports/event-bus.ts';
import type { BusAdapter } from '../../../src/testing/bus-subject.ts';
import { startRabbitmq } from '../../servers/rabbitmq.ts';
import type { Server } from '../../servers/server.ts';
import { type Cord, layCord } from './cord.ts';

const maxMessageBytes = 2 ** 21;
const cords = new WeakMap<EventBus, Cord>();

/** A namespace, and the groups that were made there. */
interface Place {
  readonly namespace: string;
  readonly groups: Set<string>;
}

/** On the server at this address, in a namespace of its own. */
export function shared(address: string): BusAdapter<Place> {
  return {
    name: 'rabbitmq',
    features: ['durable', 'crossProcess', 'bounded', 'killable'],
    oversizeBytes: maxMessageBytes,
    newLocation: async () => ({ namespace: `test-${randomUUID()}`, groups: new Set() }),
    async open({ namespace, groups }) {
      const url = new URL(address);
      const cord = await layCord(url.hostname, Number(url.port || 5672));
      url.host = `127.0.0.1:${cord.port}`;
      const bus = await rabbitmqBus({ url: url.href, namespace, maxMessageBytes });
      const noting: EventBus = {
        ...bus,
        subscribe(subscription, handle) {
          groups.add(subscription.group);
          return bus.subscribe(subscription, handle);
        },
      };
      cords.set(noting, cord);
      return noting;
    },
    kill: async (bus) => cords.get(bus)?.cut(),
    destroy: (place) => removeAll(address, place),
  };
}

/** On a server started for it, which may be stopped. */
export const own: BusAdapter<Server> = {
  name: 'rabbitmq',
  features: ['durable', 'crossProcess', 'bounded', 'restartable'],
  newLocation: () => startRabbitmq(),
  open: ({ url }) => rabbitmqBus({ url }),
  broker: (server) => ({
    async stop(how) {
      if (how === 'hanging') await server.pause();
      else await (how === 'killed' ? server.kill() : server.stop());
    },
    start: () => server.restart(),
  }),
  destroy: (server) => server.remove(),
};

/** A group's exchange goes with its queues. */
async function removeAll(address: string, { namespace, groups }: Place): Promise<void> {
  const names = namesOf(namespace);
  const connection = await connect(address);
  const channel = await connection.createChannel();
  for (const group of groups) {
    for (let partition = 0; partition < partitions; partition++)
      await channel.deleteQueue(names.queue(group, partition));
  }
  await channel.deleteExchange(names.events);
  await channel.deleteExchange(names.members);
  await connection.close();
}
