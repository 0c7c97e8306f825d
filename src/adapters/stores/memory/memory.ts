import { type Clock, systemClock } from '../../../kernel/clock.ts';
import { failure } from '../../../kernel/errors.ts';
import type { Checkpoint } from '../../../ports/coordination.ts';
import type { Store } from '../../../ports/store.ts';
import { memoryCheckpoints } from './checkpoints.ts';
import { memoryCursors } from './cursors.ts';
import { memoryEvents } from './event-log.ts';
import { memoryLeases } from './leases.ts';
import { createLogState } from './log-state.ts';
import { memoryReadModels } from './read-models.ts';
import { memorySnapshots } from './snapshots.ts';
import { memoryTransfer } from './transfer.ts';

export interface MemoryStoreOptions {
  /** What `recordedAt` is taken from. Default: the machine's own clock. */
  readonly clock?: Clock;
}

/**
 * Everything in this process's memory, gone with it: for tests, trials and measurements. Every method does its whole
 * work in one turn of the event loop, so nothing is ever seen half done; long reads yield between slices.
 */
export function memoryStore({ clock = systemClock }: MemoryStoreOptions = {}): Store {
  let closed = false;
  const assertOpen = () => {
    if (closed) throw failure('STORE_CLOSED', { remedy: 'Open a new store.' });
  };
  const log = createLogState();
  const checkpoints = new Map<string, Checkpoint>();
  const cursors = memoryCursors(assertOpen);
  const leases = memoryLeases(assertOpen);
  return {
    provider: 'memory',
    features: { embedded: true, durable: false, shared: false },
    events: memoryEvents(log, clock, assertOpen),
    snapshots: memorySnapshots(assertOpen),
    checkpoints: memoryCheckpoints(checkpoints, leases.assertFence, assertOpen),
    cursors: cursors.store,
    leases: leases.store,
    readModels: memoryReadModels(leases.assertFence, assertOpen),
    transfer: memoryTransfer(log, cursors, checkpoints, assertOpen),
    async ping() {
      assertOpen();
    },
    async warnings() {
      return [];
    },
    async close() {
      closed = true;
    },
  };
}
