import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, vi } from 'vitest';
import { notificationsFile } from '../../src/adapters/channels/file.ts';
import { sqliteStore } from '../../src/adapters/stores/sqlite/sqlite.ts';
import { checkAll } from './check-all.ts';
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
    const fleet = await startFleet({ dataDir, size: processes });
    onTestFinished(fleet.destroy);

    const load = startLoad(fleet, { clients, crowd: 8 });
    for (let round = 0; round < rounds; round += 1) {
      await theMoment(load, round, dataDir);
      await fleet.crash(below(processes));
    }
    await load.answered(clients);
    await load.stop();

    const file = join(dataDir, 'statewright.db');
    const { events, repeats } = await checkAll({ fleet, load, dataDir, openStore: () => sqliteStore({ file }) });
    console.log(`${rounds} kills: ${load.answers.length} commands, ${events} events, ${repeats} sent again`);
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

const below = (limit: number) => Math.floor(Math.random() * limit);
