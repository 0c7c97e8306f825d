import type { ServerVariable } from './environment.ts';
import { startFerretdb } from './ferretdb.ts';
import { startKafka } from './kafka.ts';
import { startNats } from './nats.ts';
import { startPostgresql } from './postgresql.ts';
import { startRabbitmq } from './rabbitmq.ts';
import { startRedis } from './redis.ts';
import type { Server } from './server.ts';

/** A provider of a store or bus on a server that keeps what it has through its own `kill -9`. */
export interface ServerProvider<Name extends string = string> {
  /** As the configuration names it. */
  readonly name: Name;
  /** How tests learn the address of a server. */
  readonly variable: ServerVariable;
  /** How the application does. */
  readonly told: string;
  /** One of one's own, to be stopped and killed. */
  start(): Promise<Server>;
}

const redis = { name: 'redis', variable: 'TEST_REDIS_URL', told: 'REDIS_URL', start: () => startRedis() } as const;

export const serverStores: readonly ServerProvider<'redis' | 'postgresql' | 'mongodb'>[] = [
  redis,
  { name: 'postgresql', variable: 'TEST_POSTGRESQL_URL', told: 'DATABASE_URL', start: () => startPostgresql() },
  { name: 'mongodb', variable: 'TEST_FERRETDB_URL', told: 'MONGODB_URL', start: () => startFerretdb() },
];

export const serverBuses: readonly ServerProvider<'redis' | 'rabbitmq' | 'nats' | 'kafka'>[] = [
  redis,
  { name: 'rabbitmq', variable: 'TEST_RABBITMQ_URL', told: 'RABBITMQ_URL', start: () => startRabbitmq() },
  { name: 'nats', variable: 'TEST_NATS_URL', told: 'NATS_URL', start: () => startNats() },
  { name: 'kafka', variable: 'TEST_KAFKA_BROKERS', told: 'KAFKA_BROKERS', start: () => startKafka() },
];

/** A store or bus, and where it is; without an address it needs no server. */
export interface Placed {
  readonly provider: { readonly name: string; readonly told?: string };
  readonly address?: string;
}

/** What the application is told so that it runs with these. */
export function environmentOf(given: {
  readonly store?: Placed;
  readonly bus?: Placed;
  readonly namespace: string;
}): Readonly<Record<string, string>> {
  const { store, bus, namespace } = given;
  const environment: Record<string, string> = {
    NAMESPACE: namespace,
    TOKEN_SECRET: 'shared by all the workers of a test',
  };
  if (store !== undefined) environment.EVENT_STORE_PROVIDER = store.provider.name;
  if (bus !== undefined) environment.EVENT_BUS_PROVIDER = bus.provider.name;
  for (const { provider, address } of [store, bus].filter((each) => each !== undefined)) {
    if (provider.told !== undefined && address !== undefined) environment[provider.told] = address;
  }
  return environment;
}
