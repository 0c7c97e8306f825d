import { type Clock, systemClock } from '../../../kernel/clock.ts';
import type { Store } from '../../../ports/store.ts';
import { sqliteCheckpoints } from './checkpoints.ts';
import { sqliteClaims } from './claims.ts';
import { sqliteCommands } from './commands.ts';
import { sqliteCursors } from './cursors.ts';
import { openDatabase } from './database.ts';
import { sqliteEvents } from './event-log.ts';
import { sqliteEventTypes } from './event-types.ts';
import { sqliteLeases } from './leases.ts';
import { sqliteReadModels } from './read-models.ts';
import { sqliteSnapshots } from './snapshots.ts';
import { sqliteStreams } from './streams.ts';
import { sqliteTransfer } from './transfer.ts';

export interface SqliteStoreOptions {
  /** The path of the database; it is made, with its directory, when it isn't there. */
  readonly file: string;
  /** What `recordedAt` is taken from. Default: the machine's own clock. */
  readonly clock?: Clock;
  /** How long a call waits for another process's lock before it is STORE_UNAVAILABLE. Default 5,000. */
  readonly patienceMs?: number;
  /** The size at which the file is STORE_FULL. Default: none but the disk's. */
  readonly maxBytes?: number;
}

/**
 * Everything in one file, through the SQLite that Node.js brings with it (docs/decisions/0001). Several processes may
 * open the same file on the same machine. Each call does its work in one turn of the event loop and one transaction;
 * long reads yield between slices.
 * @throws STORE_CORRUPT, STORE_NEWER, STORE_READ_ONLY, STORE_UNAVAILABLE, INVALID_CONFIGURATION
 */
export function sqliteStore({ file, clock = systemClock, patienceMs = 5000, maxBytes }: SqliteStoreOptions): Store {
  const db = openDatabase({ file, patienceMs, ...(maxBytes !== undefined && { maxBytes }) });
  const streams = sqliteStreams(db);
  const log = { streams, types: sqliteEventTypes(db), claims: sqliteClaims(db), commands: sqliteCommands(db) };
  const cursors = sqliteCursors(db, streams);
  const leases = sqliteLeases(db);
  const probe = db.prepare('SELECT 1 FROM streams LIMIT 1');
  return {
    provider: 'sqlite',
    features: { embedded: true, durable: true, shared: true },
    events: sqliteEvents(db, log, clock),
    snapshots: sqliteSnapshots(db, streams),
    checkpoints: sqliteCheckpoints(db, leases.assertFence),
    cursors: cursors.store,
    leases: leases.store,
    readModels: sqliteReadModels(db, leases.assertFence),
    transfer: sqliteTransfer(db, log, cursors),
    async ping() {
      await db.read(() => probe.get());
    },
    async warnings() {
      return [];
    },
    close: () => db.close(),
  };
}
