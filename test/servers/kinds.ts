import type { ServerVariable } from './environment.ts';
import { startFerretdb } from './ferretdb.ts';
import { startKafka } from './kafka.ts';
import { startMongoJava } from './mongo-java.ts';
import { startNats } from './nats.ts';
import { startPostgresql } from './postgresql.ts';
import { startRabbitmq } from './rabbitmq.ts';
import { startRedis } from './redis.ts';
import type { Server } from './server.ts';

/** One kind of server. */
export interface Kind {
  /** How tests are told its address. */
  readonly variable: ServerVariable;
  /** What must be there to build and run it, and for the strangers' clients that read from it. */
  readonly programs: readonly string[];
  start(): Promise<Server>;
}

const go = ['go', '/etc/ssl/certs/ca-certificates.crt'];

/** All kinds, by name. */
export const kinds: Readonly<Record<string, Kind>> = {
  redis: { variable: 'TEST_REDIS_URL', programs: ['redis-server'], start: startRedis },
  postgresql: { variable: 'TEST_POSTGRESQL_URL', programs: ['/usr/lib/postgresql'], start: startPostgresql },
  ferretdb: { variable: 'TEST_FERRETDB_URL', programs: go, start: startFerretdb },
  'mongo-java': { variable: 'TEST_MONGO_JAVA_URL', programs: ['mvn', 'javac'], start: startMongoJava },
  rabbitmq: {
    variable: 'TEST_RABBITMQ_URL',
    programs: ['/usr/lib/rabbitmq/bin/rabbitmq-server', 'amqp-consume'],
    start: startRabbitmq,
  },
  nats: { variable: 'TEST_NATS_URL', programs: [...go, 'pip3'], start: startNats },
  kafka: { variable: 'TEST_KAFKA_BROKERS', programs: ['mvn', 'javac', 'kcat'], start: startKafka },
};
