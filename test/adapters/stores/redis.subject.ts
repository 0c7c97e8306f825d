import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { redisStore } from '../../../src/adapters/stores/redis/redis.ts';
import { type StoreAdapter, storeSubject } from '../../../src/testing/store-subject.ts';
import { serverAddress, unreachable } from '../../servers/environment.ts';

const url = serverAddress('TEST_REDIS_URL') ?? '';

/** Each location is a namespace. */
export const adapter: StoreAdapter<string> = {
  name: 'redis',
  features: ['durable', 'shared', 'clocked'],
  newLocation: async () => `test-${randomUUID()}`,
  open: (namespace, { clock }) => redisStore({ url, namespace, clock }),
  destroy: async (namespace) => {
    const redis = new Redis(url);
    for await (const found of redis.scanStream({ match: `{${namespace}}:*`, count: 1000 })) {
      if (found.length > 0) await redis.unlink(found);
    }
    await redis.quit();
  },
};

/** The Redis store, as the suites see it. */
export const subject = url === '' ? unreachable('redis', 'TEST_REDIS_URL') : storeSubject(adapter);
