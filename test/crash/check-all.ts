import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Store } from '../../src/ports/store.ts';
import { checkAggregates, checkAnswers, checkLog } from './check-log.ts';
import { asked, checkNotifications } from './check-notifications.ts';
import { checkReadModels } from './check-read-models.ts';
import type { Fleet } from './fleet.ts';
import type { Load } from './load.ts';

/** What a run leaves behind. */
export interface Aftermath {
  readonly fleet: Fleet;
  /** Stopped. */
  readonly load: Load;
  readonly dataDir: string;
  openStore(): Store | Promise<Store>;
}

/**
 * Waits until the fleet has caught up, stops it, and compares everything with the log: answers, notifications, rows,
 * states and claims; nothing is parked. @returns how many events there are, and how many messages were sent again.
 */
export async function checkAll({ fleet, load, dataDir, openStore }: Aftermath) {
  await using(await openStore(), settled);
  await fleet.stop();
  return using(await openStore(), async (store) => {
    const log = await Array.fromAsync(store.events.readAll());
    checkLog(log);
    checkAnswers(log, load.answers);
    const { repeats } = await checkNotifications(log, dataDir);
    await checkReadModels(store, log);
    await checkAggregates(store, log);
    assert.deepEqual(await store.cursors.countParked(), new Map());
    return { events: log.length, repeats };
  });
}

/** How long nothing may move, while something is still to be done. */
const standstillMs = 90_000;

/** Resolves when read models and deliveries have caught up with the log, however long a slow server takes. */
async function settled({ events, readModels }: Store): Promise<void> {
  let head = 0;
  let undelivered = 0;
  for (let [before, sinceMs] = ['', Date.now()]; ; await delay(250)) {
    for await (const event of events.readAll({ after: head })) {
      head = event.position;
      undelivered += asked([event]).length - (event.type === 'NotificationDelivered' ? 1 : 0);
    }
    const positions = await Promise.all(
      ['users', 'orders'].map(async (name) => (await readModels.status(name))?.live.checkpoint.position ?? 0),
    );
    const unprojected = head - Math.min(...positions);
    if (undelivered === 0 && unprojected === 0) return;
    const now = JSON.stringify({ head, undelivered, positions });
    if (now !== before) [before, sinceMs] = [now, Date.now()];
    assert.ok(Date.now() - sinceMs < standstillMs, `nothing moves any more: ${now}`);
  }
}

async function using<Result>(store: Store, task: (store: Store) => Promise<Result>): Promise<Result> {
  try {
    return await task(store);
  } finally {
    await store.close();
  }
}
