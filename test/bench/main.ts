import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryStore } from '../../src/adapters/stores/memory/memory.ts';
import { sqliteStore } from '../../src/adapters/stores/sqlite/sqlite.ts';
import { commandsPerSecond, commandsPerUser, inFlight, users } from './commands.bench.ts';
import { hydrationMs } from './hydration.bench.ts';
import { rawCommitsPerSecond } from './raw-sqlite.ts';
import { readModelCosts } from './read-model.bench.ts';
import { line, type Measured, median, meets } from './report.ts';
import { bytesPerResident } from './residents.bench.ts';

const folder = await mkdtemp(join(tmpdir(), 'statewright-bench-'));
let files = 0;
const freshFile = () => join(folder, `${files++}.db`);
const failed: string[] = [];

/** Prints a line as soon as it is measured. */
function report(measured: Measured): void {
  console.log(line(measured));
  if (!meets(measured)) failed.push(measured.name);
}

async function commandsOnSqlite(): Promise<number> {
  const store = sqliteStore({ file: freshFile() });
  const rate = await commandsPerSecond(store);
  await store.close();
  return rate;
}

try {
  const raw = await median(3, async () =>
    rawCommitsPerSecond({ commands: users * commandsPerUser, batch: inFlight, file: freshFile() }),
  );
  const baseline = { name: 'a raw SQLite group commit of the same rows at', value: raw };
  const onMemory = await median(3, () => commandsPerSecond(memoryStore()));
  report({ name: 'commands through the processor on memory', value: onMemory, unit: '/s', baseline });
  const onSqlite = await median(3, commandsOnSqlite);
  report({
    name: 'commands through the processor on sqlite',
    value: onSqlite,
    unit: '/s',
    baseline,
    goal: { atLeast: 0.25 },
  });

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

  for (const { name, smallMs, largeMs } of await readModelCosts(freshFile)) {
    const small = { name: '10,000 rows at', value: smallMs };
    report({ name: `${name} at 1,000,000 rows`, value: largeMs, unit: 'ms', baseline: small, goal: { atMost: 1.5 } });
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

if (failed.length > 0) {
  console.error(`Short of its goal: ${failed.join('; ')}`);
  process.exitCode = 1;
}
