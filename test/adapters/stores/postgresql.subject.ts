import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { postgresqlStore } from '../../../src/adapters/stores/postgresql/postgresql.ts';
import { type StoreAdapter, storeSubject } from '../../../src/testing/store-subject.ts';
import { serverAddress, unreachable } from '../../servers/environment.ts';

const variable = 'TEST_POSTGRESQL_URL';
const url = serverAddress(variable) ?? '';

/** Each location is a schema of its own in the database. */
export const adapter: StoreAdapter<string> = {
  name: 'postgresql',
  features: ['durable', 'shared', 'clocked'],
  newLocation: async () => `test-${randomUUID()}`,
  open: (namespace, { clock }) => postgresqlStore({ url, namespace, clock, maxConnections: 5 }),
  async destroy(namespace) {
    await onServer(url, `DROP SCHEMA IF EXISTS "${namespace}" CASCADE`);
  },
};

/** The PostgreSQL store, as the suites see it. */
export const subject = url === '' ? unreachable('postgresql', variable) : storeSubject(adapter);

/** As anybody with a client for PostgreSQL; gives the rows. */
export async function onServer(address: string, sql: string): Promise<readonly unknown[]> {
  const client = new pg.Client({ connectionString: address });
  await client.connect();
  await client.query('SET client_min_messages = warning');
  const { rows } = await client.query(sql);
  await client.end();
  return rows;
}
