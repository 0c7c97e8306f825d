import type { StoreSettings } from '../../src/adapters/registry.ts';
import type { ServerVariable } from '../servers/environment.ts';
import { startFerretdb } from '../servers/ferretdb.ts';
import { startPostgresql } from '../servers/postgresql.ts';
import { startRedis } from '../servers/redis.ts';
import type { Server } from '../servers/server.ts';

/** A store on a server that survives its own `kill -9`, and how the application is told of it. */
export interface ServerStore {
  readonly name: string;
  readonly variable: ServerVariable;
  start(): Promise<Server>;
  settings(url: string, namespace: string): StoreSettings;
  environment(url: string, namespace: string): Readonly<Record<string, string>>;
}

export const serverStores: readonly ServerStore[] = [
  {
    name: 'postgresql',
    variable: 'TEST_POSTGRESQL_URL',
    start: () => startPostgresql(),
    ...toldOf('postgresql', 'DATABASE_URL'),
  },
  { name: 'redis', variable: 'TEST_REDIS_URL', start: () => startRedis(), ...toldOf('redis', 'REDIS_URL') },
  {
    name: 'mongodb on FerretDB',
    variable: 'TEST_FERRETDB_URL',
    start: () => startFerretdb(),
    ...toldOf('mongodb', 'MONGODB_URL'),
  },
];

function toldOf(
  provider: 'postgresql' | 'redis' | 'mongodb',
  address: string,
): Pick<ServerStore, 'settings' | 'environment'> {
  return {
    settings: (url, namespace) => ({ provider, url, namespace }),
    environment: (url, namespace) => ({
      EVENT_STORE_PROVIDER: provider,
      [address]: url,
      NAMESPACE: namespace,
      TOKEN_SECRET: 'shared by all the workers of a test',
    }),
  };
}
