import { randomUUID } from 'node:crypto';
import { redisBus } from '../../../src/adapters/buses/redis/redis.ts';
import type { EventBus } from '../../../src/ports/event-bus.ts';
import type { BusAdapter } from '../../../src/testing/bus-subject.ts';
import { startRedis } from '../../servers/redis.ts';
import type { Server } from '../../servers/server.ts';
import { type Cord, layCord } from './cord.ts';

const maxMessageBytes = 2 ** 21;
const cords = new WeakMap<EventBus, Cord>();

/** On the server at this address, in a namespace of its own. */
export function shared(address: string): BusAdapter<string> {
  return {
    name: 'redis',
    features: ['durable', 'crossProcess', 'bounded', 'killable'],
    oversizeBytes: maxMessageBytes,
    newLocation: async () => `test-${randomUUID()}`,
    async open(namespace) {
      const url = new URL(address);
      const cord = await layCord(url.hostname, Number(url.port || 6379));
      url.host = `127.0.0.1:${cord.port}`;
      const bus = await redisBus({ url: url.href, namespace, maxMessageBytes });
      cords.set(bus, cord);
      return bus;
    },
    kill: async (bus) => cords.get(bus)?.cut(),
    destroy: (namespace) => removeKeys(address, namespace),
  };
}

/** On a server started for it, which may be stopped. */
export const own: BusAdapter<Server> = {
  name: 'redis',
  features: ['durable', 'crossProcess', 'bounded', 'restartable'],
  newLocation: () => startRedis(),
  open: ({ url }) => redisBus({ url }),
  broker: (server) => ({
    async stop(how) {
      if (how === 'hanging') await server.pause();
      else await (how === 'killed' ? server.kill() : server.stop());
    },
    start: () => server.restart(),
  }),
  destroy: (server) => server.remove(),
};

/** Removes everything that begins with the namespace. */
async function removeKeys(address: string, namespace: string): Promise<void> {
  const { Redis } = await import('ioredis');
  const redis = new Redis(address);
  for (let cursor = '0'; ; ) {
    const [next, keys] = await redis.scan(cursor, 'MATCH', `{${namespace}}:*`, 'COUNT', 1_000);
    if (keys.length > 0) await redis.unlink(keys);
    if (next === '0') break;
    cursor = next;
  }
  redis.disconnect();
}
