import { randomUUID } from 'node:crypto';
import { describe } from 'vitest';
import { describeWithServer, type ServerVariable } from '../servers/environment.ts';
import { liveALife } from './user-life.ts';

interface Provider {
  readonly name: string;
  /** Of a provider on a server: where tests learn its address, and how the application is told. */
  readonly server?: { readonly variable: ServerVariable; readonly told: string };
}

const redis = { name: 'redis', server: { variable: 'TEST_REDIS_URL', told: 'REDIS_URL' } } as const;

const stores: readonly Provider[] = [
  { name: 'memory' },
  { name: 'sqlite' },
  redis,
  { name: 'postgresql', server: { variable: 'TEST_POSTGRESQL_URL', told: 'DATABASE_URL' } },
  { name: 'mongodb', server: { variable: 'TEST_FERRETDB_URL', told: 'MONGODB_URL' } },
];

const buses: readonly Provider[] = [
  { name: 'memory' },
  redis,
  { name: 'rabbitmq', server: { variable: 'TEST_RABBITMQ_URL', told: 'RABBITMQ_URL' } },
  { name: 'nats', server: { variable: 'TEST_NATS_URL', told: 'NATS_URL' } },
  { name: 'kafka', server: { variable: 'TEST_KAFKA_BROKERS', told: 'KAFKA_BROKERS' } },
];

for (const store of stores) {
  for (const bus of buses) {
    withAddresses(`the life of one user with ${store.name} and the bus ${bus.name}`, [store, bus], (addresses) => {
      const environment = {
        ...addresses,
        EVENT_STORE_PROVIDER: store.name,
        EVENT_BUS_PROVIDER: bus.name,
        NAMESPACE: `pair-${randomUUID().slice(0, 8)}`,
        TOKEN_SECRET: 'shared by all the workers of a test',
      };
      liveALife({ environment, durable: store.name !== 'memory' });
    });
  }
}

function withAddresses(
  name: string,
  [first, ...rest]: readonly Provider[],
  tests: (environment: Readonly<Record<string, string>>) => void,
): void {
  if (first === undefined) describe(name, () => tests({}));
  else if (first.server === undefined) withAddresses(name, rest, tests);
  else {
    const { variable, told } = first.server;
    describeWithServer(variable, name, (address) =>
      withAddresses('servers', rest, (environment) => tests({ ...environment, [told]: address })),
    );
  }
}
