import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, vi } from 'vitest';
import { notificationsFile } from '../../src/adapters/channels/file.ts';
import { sqliteStore } from '../../src/adapters/stores/sqlite/sqlite.ts';
import type { Store } from '../../src/ports/store.ts';
import { checkAggregates, checkAnswers, checkLog } from './check-log.ts';
import { asked, checkNotifications } from './check-notifications.ts';
import { checkReadModels } from './check-read-models.ts';
import { startFleet } from './fleet.ts';
import { type Load, startLoad } from './load.ts';

/** `npm run test:crash` takes 20. */
const rounds = Number(process.env.CRASH_ROUNDS ?? 2);
const clients = 64;

// Side by side: most of their time is waiting for leases that the dead ones held.
test.concurrent.for([
  { processes: 1, killed: 'the only process' },
  { processes: 2, killed: 'one of two processes on one file' },
])(
  `kill -9 of $killed, ${rounds} times in a row under ${clients} clients, leaves every command, notification and row right`,
  { timeout: 150_000 + rounds * 30_000 },
  async ({ processes }, { onTestFinished }) => {
    const dataDir = await mkdtemp(join(tmpdir(), 'statewright-crash-'));
    onTestFinished(() => rm(dataDir, { recursive: true }));
    const fleet = await startFleet(dataDir, processes);
    onTestFinished(fleet.destroy);

    const load = startLoad(fleet, clients);
    for (let round = 0; round < rounds; round += 1) {
      await theMoment(load, round, dataDir);
      await fleet.crash(below(processes));
    }
    await load.answered(clients);
    await load.stop();

    const file = join(dataDir, 'statewright.db');
    await using(sqliteStore({ file }), settled);
    await fleet.stop();
    await using(sqliteStore({ file }), async (store) => {
      const log = await Array.fromAsync(store.events.readAll());
      checkLog(log);
      checkAnswers(log, load.answers);
      const { repeats } = await checkNotifications(log, dataDir);
      await checkReadModels(store, log);
      await checkAggregates(store, log);
      assert.deepEqual(await store.cursors.countParked(), new Map());
      console.log(`${rounds} kills: ${load.answers.length} commands, ${log.length} events, ${repeats} sent again`);
    });
  },
);

/**
 * In the midst of the load: by turns soon after the last start, when the dead one's leases still stand, and when
 * notifications are on their way, which takes a lease's time.
 */
async function theMoment(load: Load, round: number, dataDir: string): Promise<void> {
  const fileSize = async () => (await stat(join(dataDir, notificationsFile)).catch(() => ({ size: 0 }))).size;
  if (round % 2 === 1) {
    const before = await fileSize();
    await vi.waitFor(async () => assert.ok((await fileSize()) > before, 'nothing is delivered'), {
      timeout: 60_000,
      interval: 20,
    });
  }
  await load.answered(below(1_000));
}

/** Resolves when read models and deliveries have caught up with the log. */
async function settled({ events, readModels }: Store): Promise<void> {
  let head = 0;
  let undelivered = 0;
  const caughtUp = async () => {
    for await (const event of events.readAll({ after: head })) {
      head = event.position;
      undelivered += asked([event]).length - (event.type === 'NotificationDelivered' ? 1 : 0);
    }
    const positions = await Promise.all(
      ['users', 'orders'].map(async (name) => (await readModels.status(name))?.live.checkpoint.position ?? 0),
    );
    assert.deepEqual({ undelivered, unprojected: head - Math.min(...positions) }, { undelivered: 0, unprojected: 0 });
  };
  await vi.waitFor(caughtUp, { timeout: 120_000, interval: 250 });
}

async function using(store: Store, task: (store: Store) => Promise<void>): Promise<void> {
  try {
    await task(store);
  } finally {
    await store.close();
  }
}

const below = (limit: number) => Math.floor(Math.random() * limit);
