import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryStore } from '../../src/adapters/stores/memory/memory.ts';
import { sqliteStore } from '../../src/adapters/stores/sqlite/sqlite.ts';
import { commandsPerSecond, commandsPerUser, inFlight, users } from './commands.bench.ts';
import { eventRates } from './events.bench.ts';
import { hydrationMs } from './hydration.bench.ts';
import { rawCommitsPerSecond } from './raw-sqlite.ts';
import { readModelCosts } from './read-model.bench.ts';
import { median, type Report } from './report.ts';
import { bytesPerResident } from './residents.bench.ts';

/** The processor on the stores of this process, and what the stores themselves cost. */
export async function localBenches(report: Report): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'statewright-bench-'));
  let files = 0;
  try {
    await measure(report, () => join(folder, `${files++}.db`));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(report: Report, freshFile: () => string): Promise<void> {
  const rawCommits = (driver: 'better-sqlite3' | 'node:sqlite') =>
    rawCommitsPerSecond({ commands: users * commandsPerUser, batch: inFlight, file: freshFile(), driver });

  async function commandsOnSqlite(): Promise<number> {
    const store = sqliteStore({ file: freshFile() });
    const rate = await commandsPerSecond(store);
    await store.close();
    return rate;
  }

  // By turns, so that all meet the same noise; the run in the middle of the ratios is reported.
  const runs: { readonly raw: number; readonly node: number; readonly ours: number }[] = [];
  for (let run = 0; run < 5; run += 1) {
    runs.push({ raw: rawCommits('better-sqlite3'), node: rawCommits('node:sqlite'), ours: await commandsOnSqlite() });
  }
  const { raw, node, ours } = runs.sort((a, b) => a.ours / a.raw - b.ours / b.raw)[2] ?? { raw: 1, node: 1, ours: 0 };
  const baseline = { name: 'a raw better-sqlite3 group commit of the same rows at', value: raw };
  report({
    name: 'commands through the processor on sqlite',
    value: ours,
    unit: '/s',
    baseline,
    goal: { atLeast: 0.25 },
  });
  const own = { name: 'a raw node:sqlite group commit at', value: node };
  report({ name: 'the same, beside the driver that the store uses', value: ours, unit: '/s', baseline: own });
  const onMemory = await median(3, () => commandsPerSecond(memoryStore()));
  report({ name: 'commands through the processor on memory', value: onMemory, unit: '/s', baseline });

  for (const [provider, freshStore] of [
    ['memory', () => memoryStore()],
    ['sqlite', () => sqliteStore({ file: freshFile() })],
  ] as const) {
    const { read, projected, handled } = await eventRates(freshStore);
    const reading = { name: 'reading the same log at', value: read };
    report({ name: `events projected on ${provider}`, value: projected, unit: '/s', baseline: reading });
    report({
      name: `events handled through the memory bus on ${provider}`,
      value: handled,
      unit: '/s',
      baseline: reading,
    });
  }

  const bytes = await bytesPerResident();
  report({ name: 'an idle resident, beyond its context', value: bytes, unit: 'bytes', goal: { atMost: 1_200 } });

  const store = sqliteStore({ file: freshFile() });
  report({
    name: 'hydration of 10,000 events through a snapshot',
    value: await hydrationMs(store),
    unit: 'ms',
    goal: { atMost: 5 },
  });
  await store.close();

  for (const { name, smallMs, largeMs } of await readModelCosts({
    freshStore: () => sqliteStore({ file: freshFile() }),
    sizes: [10_000, 1_000_000],
  })) {
    const small = { name: '10,000 rows at', value: smallMs };
    report({ name: `${name} at 1,000,000 rows`, value: largeMs, unit: 'ms', baseline: small, goal: { atMost: 1.5 } });
  }
}
