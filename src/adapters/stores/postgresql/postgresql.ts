import { type Clock, systemClock } from '../../../kernel/clock.ts';
import type { Store } from '../../../ports/store.ts';
import { postgresqlCheckpoints } from './checkpoints.ts';
import { postgresqlClaims } from './claims.ts';
import { postgresqlCommands } from './commands.ts';
import { postgresqlCursors } from './cursors.ts';
import { openDatabase } from './database.ts';
import { postgresqlEvents } from './event-log.ts';
import { postgresqlLeases } from './leases.ts';
import { postgresqlReadModels } from './read-models.ts';
import { postgresqlSnapshots } from './snapshots.ts';
import { postgresqlTransfer } from './transfer.ts';

export interface PostgresqlStoreOptions {
  /** Such as `postgresql://user:password@host:5432/database`; the role may create schemas there, or owns the schema. */
  readonly url: string;
  /** The schema, made when it isn't there; its name is the channel of LISTEN as well. Default `statewright`. */
  readonly namespace?: string;
  /** What `recordedAt` is taken from. Default: this machine's clock. */
  readonly clock?: Clock;
  /** How long a call waits for a connection, and again for its answer, before it is STORE_UNAVAILABLE. Default 5,000. */
  readonly patienceMs?: number;
  /** How many connections are opened at most, beside the one that listens and the one that appends. Default 10. */
  readonly maxConnections?: number;
}

/**
 * Everything in one schema of PostgreSQL, from version 12 on. Several processes may open the same. Each call is one
 * statement and one round trip; long reads are slices with nothing held between them.
 * @throws STORE_UNAVAILABLE, STORE_NEWER, STORE_READ_ONLY, STORE_CORRUPT, INVALID_CONFIGURATION
 */
export async function postgresqlStore({
  url,
  namespace = 'statewright',
  clock = systemClock,
  patienceMs = 5000,
  maxConnections = 10,
}: PostgresqlStoreOptions): Promise<Store> {
  const db = await openDatabase({ url, namespace, patienceMs, maxConnections });
  const log = { commands: postgresqlCommands(db), claims: postgresqlClaims(db) };
  const probe = db.prepare('SELECT one FROM $.head');
  const settings = db.prepare<[name: string, value: string]>(
    `SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes')`,
  );
  return {
    provider: 'postgresql',
    features: { embedded: false, durable: true, shared: true },
    events: postgresqlEvents(db, log, clock),
    snapshots: postgresqlSnapshots(db),
    checkpoints: postgresqlCheckpoints(db),
    cursors: postgresqlCursors(db),
    leases: postgresqlLeases(db),
    readModels: postgresqlReadModels(db),
    transfer: postgresqlTransfer(db, log),
    async ping() {
      await probe();
    },
    async warnings() {
      const off = (await settings()).flatMap(([name, value]) => (value === 'off' ? [name] : []));
      return off.map((name) => `${name} is off: when the server crashes, acknowledged events are lost.`);
    },
    close: () => db.close(),
  };
}
