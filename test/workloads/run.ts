import { existsSync, mkdirSync, statSync } from 'node:fs';
import { SingleBar } from 'cli-progress';
import { Command, InvalidArgumentError, Option } from 'commander';
import { openBus, openStore, type StoreSettings, storeProviders } from '../../src/adapters/registry.ts';
import { createProcessor } from '../../src/runtime/processor.ts';
import { loanApplicationWorkload } from './loan-application.ts';
import { linesOf } from './log-file.ts';
import { outcomeOf, sendAll, type Workload } from './workload.ts';

// `npm run workload -- loan-application FILE`: the last line is the summary, in JSON. docs/workloads.md tells the rest.

const workloads: Readonly<Record<string, Workload>> = { 'loan-application': loanApplicationWorkload };

interface Options {
  readonly store: StoreSettings['provider'];
  readonly data: string;
  readonly url?: string;
  readonly namespace: string;
  readonly limit?: number;
  readonly again: boolean;
}

await new Command('workload')
  .argument('<name>', `one of: ${Object.keys(workloads).join(', ')}`, known)
  .argument('<file>', 'the log: JSON lines, gzipped', there)
  .addOption(new Option('--store <name>', 'where it goes').choices(storeProviders).default('sqlite'))
  .option('--url <url>', 'address of a store on a server')
  .option('--namespace <name>', 'begins every name there', 'workload')
  .option('--data <dir>', 'directory of the SQLite file', './data/workload')
  .option('--limit <rows>', 'only the first rows', whole)
  .option('--again', 'send it all a second time, which changes nothing', false)
  .action(run)
  .parseAsync();

async function run(workload: Workload, file: string, options: Options): Promise<void> {
  const { store: provider, limit, again } = options;
  const processor = createProcessor({
    store: await openStore(settingsOf(options)),
    bus: await openBus({ provider: 'memory' }),
    aggregates: [workload.aggregate],
    projections: [workload.projection],
    settings: { waitForMs: 600_000 },
  });
  await processor.start();
  try {
    const pass = await sent(workload, processor, file, limit);
    const outcome = await outcomeOf(workload, processor);
    const summary = { store: provider, ...pass, ...outcome };
    const second = again ? await secondRun(workload, processor, file, limit) : {};
    // In kibibytes; of the whole run, opening the store included.
    const peakRssMb = Math.round(process.resourceUsage().maxRSS / 1_024);
    console.log(JSON.stringify({ ...summary, ...second, peakRssMb }));
  } finally {
    await processor.drain();
  }
}

function settingsOf({ store: provider, data, url, namespace }: Options): StoreSettings {
  if (provider === 'memory') return { provider };
  if (provider === 'sqlite') {
    mkdirSync(data, { recursive: true });
    return { provider, directory: data };
  }
  if (url === undefined) throw new InvalidArgumentError(`A store on a server needs its --url: ${provider}://…`);
  return { provider, url, namespace };
}

async function secondRun(...[workload, processor, file, limit]: Parameters<typeof sent>): Promise<object> {
  const { accepted, refused, newEvents, rowsPerSecond } = await sent(workload, processor, file, limit);
  const { stateHash } = await outcomeOf(workload, processor);
  return { secondRun: { accepted, refused, newEvents, rowsPerSecond, stateHash } };
}

async function sent(
  workload: Workload,
  processor: ReturnType<typeof createProcessor>,
  file: string,
  limit: number | undefined,
) {
  const bar = new SingleBar({
    format: '{bar} {percentage} % of the file, {rows} rows, {rate} rows/s, {duration_formatted}',
    clearOnComplete: true,
    hideCursor: true,
  });
  const started = performance.now();
  bar.start(statSync(file).size, 0, { rows: 0, rate: 0 });
  try {
    return await sendAll(
      workload,
      processor,
      linesOf(file, limit, (count) => bar.increment(count)),
      (rows) => bar.update({ rows, rate: Math.round(rows / ((performance.now() - started) / 1_000)) }),
    );
  } finally {
    bar.stop();
  }
}

function known(name: string): Workload {
  const workload = Object.hasOwn(workloads, name) ? workloads[name] : undefined;
  if (workload === undefined) throw new InvalidArgumentError(`One of: ${Object.keys(workloads).join(', ')}.`);
  return workload;
}

function there(file: string): string {
  if (existsSync(file)) return file;
  throw new InvalidArgumentError('There is no such file.');
}

function whole(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('A whole number from 1.');
}
