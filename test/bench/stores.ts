import { openStore, type StoreSettings } from '../../src/adapters/registry.ts';
import { startFerretdb } from '../servers/ferretdb.ts';
import { startMongoJava } from '../servers/mongo-java.ts';
import { startPostgresql } from '../servers/postgresql.ts';
import { startRedis } from '../servers/redis.ts';
import type { Server } from '../servers/server.ts';
import { commandsPerSecond, inFlight } from './commands.bench.ts';
import { rawMongodbPerSecond } from './raw-mongodb.ts';
import { rawPostgresqlPerSecond } from './raw-postgresql.ts';
import { rawRedisPerSecond } from './raw-redis.ts';
import { readModelCosts } from './read-model.bench.ts';
import type { Report } from './report.ts';
import { mongodbCommitsPerSecond } from './rows-mongodb.ts';
import { postgresqlRowsPerSecond } from './rows-postgresql.ts';
import { redisKeysPerSecond } from './rows-redis.ts';

interface Bench {
  readonly name: string;
  readonly provider: 'postgresql' | 'redis' | 'mongodb';
  /** Of the large read model. */
  readonly rows: number;
  start(): Promise<Server>;
  /** Events a second by the least code. */
  readonly raw: { readonly name: string; perSecond(url: string): Promise<number> };
  /** The same with all rows, keys and indexes that the store has of them: what is left is what judging and answering cost. */
  readonly same: { readonly name: string; perSecond(url: string): Promise<number> };
}

const benches: readonly Bench[] = [
  {
    name: 'postgresql',
    provider: 'postgresql',
    rows: 200_000,
    start: () => startPostgresql(),
    raw: { name: 'raw inserts by unnest, 100 at a time,', perSecond: rawPostgresqlPerSecond },
    same: { name: 'the store’s own rows by unnest', perSecond: postgresqlRowsPerSecond },
  },
  {
    name: 'redis (appendfsync always)',
    provider: 'redis',
    rows: 200_000,
    start: () => startRedis(),
    raw: { name: 'a raw script an event, pipelined,', perSecond: rawRedisPerSecond },
    same: { name: 'a raw script of 100 with the store’s own keys', perSecond: redisKeysPerSecond },
  },
  {
    name: 'mongodb (FerretDB)',
    provider: 'mongodb',
    // It looks through all rows for each that is not there yet: 6,000 take it a minute, 200,000 would take it a day.
    rows: 6_000,
    start: () => startFerretdb(),
    raw: { name: 'raw commit documents of 100', perSecond: rawMongodbPerSecond },
    same: { name: 'the store’s own commit documents', perSecond: mongodbCommitsPerSecond },
  },
  {
    name: 'mongodb (mongo-java-server)',
    provider: 'mongodb',
    rows: 200_000,
    start: () => startMongoJava(),
    raw: { name: 'raw commit documents of 100', perSecond: rawMongodbPerSecond },
    same: { name: 'the store’s own commit documents', perSecond: mongodbCommitsPerSecond },
  },
];

/** Each store on a real server of its own; `only` those whose name has this in it. */
export async function storeBenches(report: Report, only = ''): Promise<void> {
  for (const bench of benches.filter(({ name }) => name.includes(only))) {
    const server = await bench.start();
    try {
      await measure(report, bench, server.url);
    } finally {
      await server.remove();
    }
  }
}

async function measure(report: Report, { name, provider, rows, raw, same }: Bench, url: string): Promise<void> {
  let namespaces = 0;
  const freshStore = () => openStore({ provider, url, namespace: `bench${namespaces++}` } satisfies StoreSettings);

  // By turns, so that both meet the same noise; the run in the middle of the ratios is reported.
  const runs: { readonly theirs: number; readonly same: number; readonly ours: number }[] = [];
  for (let run = 0; run < 3; run += 1) {
    const theirs = await raw.perSecond(url);
    const rows = await same.perSecond(url);
    const store = await freshStore();
    const ours = await commandsPerSecond(store);
    await store.close();
    runs.push({ theirs, same: rows, ours });
  }
  const middle = runs.sort((a, b) => a.ours / a.theirs - b.ours / b.theirs)[1];
  if (middle === undefined) return;
  const measured = { name: `commands on ${name}, ${inFlight} in flight`, value: middle.ours, unit: '/s' };
  report({
    ...measured,
    baseline: { name: `${raw.name} at`, value: middle.theirs },
    goal: { atLeast: 0.4 },
  });
  report({ ...measured, baseline: { name: `${same.name} at`, value: middle.same } });

  for (const { name: question, smallMs, largeMs } of await readModelCosts({ freshStore, sizes: [2_000, rows] })) {
    const baseline = { name: '2,000 rows at', value: smallMs };
    report({
      name: `${question} at ${rows.toLocaleString('en')} rows on ${name}`,
      value: largeMs,
      unit: 'ms',
      baseline,
    });
  }
}
