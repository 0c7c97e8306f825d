import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { sqliteStore } from '../../../src/adapters/stores/sqlite/sqlite.ts';
import { type StoreAdapter, storeSubject } from '../../../src/testing/store-subject.ts';

/** Each location is a file in a directory of its own. */
export const adapter: StoreAdapter<string> = {
  name: 'sqlite',
  features: ['durable', 'shared', 'clocked'],
  newLocation: async () => join(await mkdtemp(join(tmpdir(), 'statewright-sqlite-')), 'store.db'),
  open: (file, { clock }) => sqliteStore({ file, clock }),
  destroy: (file) => rm(dirname(file), { recursive: true }),
};

/** The SQLite store, as the suites see it. */
export const subject = storeSubject(adapter);
