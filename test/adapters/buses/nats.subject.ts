import { randomUUID } from 'node:crypto';
import { connect } from 'nats';
import { type NatsBusOptions, natsBus } from '../../../src/adapters/buses/nats/nats.ts';
import type { EventBus } from '../../../src/ports/event-bus.ts';
import type { BusAdapter } from '../../../src/testing/bus-subject.ts';
import { startNats } from '../../servers/nats.ts';
import type { Server } from '../../servers/server.ts';
import { type Cord, layCord } from './cord.ts';

/** NATS on a server that others use as well; a location is a namespace. */
export function sharedNats(url: string): BusAdapter<string> {
  return {
    name: 'nats',
    features: ['durable', 'crossProcess', 'bounded', 'killable'],
    newLocation: async () => `test-${randomUUID().slice(0, 8)}`,
    open: (namespace) => openNats(url, { namespace }),
    destroy: (namespace) => removeStream(url, namespace),
    oversizeBytes: 9 * 2 ** 20,
    kill: cutNats,
  };
}

/** NATS on servers of their own. */
export const ownNats: BusAdapter<Server> = {
  name: 'nats',
  features: ['durable', 'crossProcess', 'restartable'],
  newLocation: () => startNats(),
  open: ({ url }) => natsBus({ url }),
  destroy: (server) => server.remove(),
  broker: (server) => ({
    async stop(how) {
      if (how === 'stopped') await server.stop();
      else if (how === 'killed') await server.kill();
      else await server.pause();
    },
    async start() {
      server.resume();
      await server.restart();
    },
  }),
};

/** Opens a bus over a cord that `cutNats` can cut. */
export async function openNats(url: string, options: Partial<NatsBusOptions>): Promise<EventBus> {
  const server = new URL(url);
  const cord = await layCord(server.hostname, Number(server.port));
  server.hostname = '127.0.0.1';
  server.port = String(cord.port);
  const bus = await natsBus({ ...options, url: server.href });
  cords.set(bus, cord);
  return bus;
}

/** What a killed process looks like from the server: its connections end without a farewell, for ever. */
export async function cutNats(bus: EventBus): Promise<void> {
  cords.get(bus)?.cut();
}

const cords = new WeakMap<EventBus, Cord>();

async function removeStream(url: string, namespace: string): Promise<void> {
  const connection = await connect({ servers: url });
  const jetStream = await connection.jetstreamManager();
  await jetStream.streams.delete(`${namespace}_events`);
  await connection.close();
}
