import { type Clock, systemClock } from '../../../kernel/clock.ts';
import { failure } from '../../../kernel/errors.ts';
import type { Store } from '../../../ports/store.ts';
import { type Logger, silentLogger } from '../../../ports/telemetry.ts';
import { redisCheckpoints } from './checkpoints.ts';
import { connect } from './connection.ts';
import { redisCursors } from './cursors.ts';
import { redisEvents } from './event-log.ts';
import { assertFormat } from './format.ts';
import { redisKeys } from './keys.ts';
import { redisLeases } from './leases.ts';
import { createLostTail } from './lost-tail.ts';
import { redisReadModels } from './read-models.ts';
import { serverWarnings } from './server-warnings.ts';
import { redisSnapshots } from './snapshots.ts';
import { redisTransfer } from './transfer.ts';
import { createWakes } from './wakes.ts';

export interface RedisStoreOptions {
  /** Such as `redis://user:password@host:6379/1`, or `rediss:` with TLS. */
  readonly url: string;
  /** The store's keys begin with it, in braces. Default `statewright`. */
  readonly namespace?: string;
  /** What `recordedAt` is taken from. Default: the machine's own clock. */
  readonly clock?: Clock;
  /**
   * How long a call waits for the connection, and as long again for its answer, before it is STORE_UNAVAILABLE. Default
   * 5,000.
   */
  readonly patienceMs?: number;
  /** Hears of a log that lost its tail. Default: nobody. */
  readonly logger?: Logger;
}

/**
 * Everything in one Redis, 6.2 or later, or Valkey. Every write is one script, so it is there whole or not at all, for
 * who reads and in the append-only file. What was acknowledged survives a server that dies only with `appendfsync
 * always`, and stays only while the server may not evict: `warnings` tells.
 * @throws INVALID_CONFIGURATION, STORE_UNAVAILABLE, STORE_NEWER
 */
export async function redisStore({
  url,
  namespace = 'statewright',
  clock = systemClock,
  patienceMs = 5000,
  logger = silentLogger,
}: RedisStoreOptions): Promise<Store> {
  checkOptions(url, namespace);
  const connection = await connect({ url, patienceMs });
  const keys = redisKeys(namespace);
  try {
    await assertFormat(connection, keys);
  } catch (error) {
    await connection.close();
    throw error;
  }
  const lostTail = createLostTail(connection, keys, logger);
  const wakes = createWakes(connection, keys);
  // Later calls meet what fails here too, and `warnings` asks again.
  connection.onReconnect(() => void lostTail.check().catch(() => {}));
  return {
    provider: 'redis',
    features: { embedded: false, durable: true, shared: true },
    events: redisEvents(connection, keys, { clock, wakes, lostTail }),
    snapshots: redisSnapshots(connection, keys),
    checkpoints: redisCheckpoints(connection, keys),
    cursors: redisCursors(connection, keys),
    leases: redisLeases(connection, keys),
    readModels: redisReadModels(connection, keys),
    transfer: redisTransfer(connection, keys),
    async ping() {
      await connection.send('PING');
    },
    async warnings() {
      await lostTail.check();
      const lost = lostTail.warning();
      return [...(lost === undefined ? [] : [lost]), ...(await serverWarnings(connection))];
    },
    close() {
      wakes.close();
      return connection.close();
    },
  };
}

/** @throws INVALID_CONFIGURATION with every fault at once */
function checkOptions(url: string, namespace: string): void {
  const faults: string[] = [];
  const protocol = URL.parse(url)?.protocol ?? '';
  if (!['redis:', 'rediss:'].includes(protocol)) faults.push('url: an address that begins with redis:// or rediss://');
  if (!/^[^{}]{1,100}$/.test(namespace)) faults.push('namespace: 1…100 characters without braces');
  if (faults.length === 0) return;
  throw failure('INVALID_CONFIGURATION', {
    expected: faults.join('; '),
    // The address may hold a password.
    found: `an address of ${protocol || 'no protocol'} and the namespace ${JSON.stringify(namespace)}`,
  });
}
