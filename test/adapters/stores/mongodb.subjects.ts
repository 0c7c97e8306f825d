import { randomUUID } from 'node:crypto';
import { MongoClient } from 'mongodb';
import { mongodbStore } from '../../../src/adapters/stores/mongodb/mongodb.ts';
import { type StoreAdapter, storeSubject } from '../../../src/testing/store-subject.ts';
import { type ServerVariable, serverAddress, unreachable } from '../../servers/environment.ts';

/** Each location is the address of a database of its own on the server. */
function mongodbAdapter(name: string, server: string): StoreAdapter<string> {
  return {
    name,
    features: ['durable', 'shared', 'clocked'],
    newLocation: async () => databaseOn(server),
    open: (url, { clock }) => mongodbStore({ url, clock }),
    destroy: async (url) => {
      const client = new MongoClient(url);
      await client.db().dropDatabase();
      await client.close();
    },
  };
}

/** The address of a database on a server that nobody else uses. */
export function databaseOn(server: string): string {
  const url = new URL(server);
  url.pathname = `/test-${randomUUID()}`;
  return url.href;
}

function subjectOn(name: string, variable: ServerVariable) {
  const url = serverAddress(variable);
  return url === undefined ? unreachable(name, variable) : storeSubject(mongodbAdapter(name, url));
}

/** The MongoDB store, as the suites see it, on each of the servers that speak its protocol. */
export const subjects = {
  ferretdb: subjectOn('mongodb on ferretdb', 'TEST_FERRETDB_URL'),
  mongoJava: subjectOn('mongodb on mongo-java-server', 'TEST_MONGO_JAVA_URL'),
};

/** FerretDB looks through a whole collection for an `_id` that is not there: docs/adapters.md. */
export const slow = 'FerretDB reads whole collections, see docs/adapters.md';

/** For other processes: on the server that keeps what it acknowledged when it is killed. */
export const adapter = mongodbAdapter('mongodb on ferretdb', serverAddress('TEST_FERRETDB_URL') ?? '');
