import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { installMissing } from './debian.ts';
import { type Kind, kinds } from './kinds.ts';
import { processTree, signalAll, untilEnded } from './process-tree.ts';
import type { Server } from './server.ts';
import { unexplainedSkips } from './unexplained-skips.ts';

const usage = `Starts real servers, each on a free loopback port with data of its own, and stops them in the end.
  npm run test:servers [-- VITEST'S ARGUMENTS]       runs the tests on all of them
  node test/servers/main.ts [-- VITEST'S ARGUMENTS]  the same, and takes the options below
  node test/servers/main.ts --serve                  keeps the servers until Ctrl-C or SIGTERM
  --only redis,nats    starts these; what needs others is skipped by name
  --write-env FILE     also writes the addresses there, to be sourced
  --report FILE        also writes the runner's report there, as JSON
The servers: ${Object.keys(kinds).join(', ')}.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    serve: { type: 'boolean', default: false },
    only: { type: 'string' },
    'write-env': { type: 'string' },
    report: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const ending = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ending.abort());
if (values.help) console.log(usage);
else process.exitCode = await run();

async function run(): Promise<number> {
  const started: Server[] = [];
  try {
    const chosen = chosenKinds();
    await installMissing(chosen.flatMap(({ programs }) => programs));
    const addresses = await startAll(chosen, started);
    const lines = Object.entries(addresses).map(([variable, address]) => `export ${variable}='${address}'\n`);
    console.log(lines.join(''));
    const file = values['write-env'];
    if (file !== undefined) writeFileSync(file, lines.join(''));
    if (ending.signal.aborted) return 130;
    if (!values.serve) return await test(addresses);
    await once(ending.signal, 'abort');
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  } finally {
    await Promise.all(started.map((server) => server.remove()));
  }
}

function chosenKinds(): readonly Kind[] {
  if (values.only === undefined) return Object.values(kinds);
  return values.only.split(',').map((name) => {
    const kind = kinds[name];
    if (kind === undefined) throw new Error(`Expected of ${Object.keys(kinds).join(', ')}; found ${name}.`);
    return kind;
  });
}

/** Adds each to `started` as soon as it answers. @throws when one of them doesn't, after all have been tried. */
async function startAll(chosen: readonly Kind[], started: Server[]): Promise<Readonly<Record<string, string>>> {
  const addresses: Record<string, string> = {};
  const outcomes = await Promise.allSettled(
    chosen.map(async ({ variable, start }) => {
      const before = Date.now();
      const server = await start();
      started.push(server);
      addresses[variable] = server.url;
      const { name, pid, folder } = server;
      console.log(`# ${name} answers after ${Date.now() - before} ms, process ${pid}, data in ${folder}`);
    }),
  );
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return addresses;
}

/** The project's test command with these addresses; its exit code, and 1 when something skipped for no good reason. */
async function test(addresses: Readonly<Record<string, string>>): Promise<number> {
  const scratch = mkdtempSync(join(tmpdir(), 'statewright-report-'));
  const report = values.report ?? join(scratch, 'report.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const complete = values.only === undefined;
  try {
    const child = spawn('npm', ['test', '--', ...reporters, ...positionals], {
      stdio: 'inherit',
      env: { ...process.env, ...addresses, ...(complete && { CI: 'true' }) },
    });
    let told: readonly number[] = [];
    ending.signal.addEventListener('abort', () => {
      // npm's shell in between passes no signal on.
      told = processTree(child.pid ?? 0);
      signalAll(told, 'SIGTERM');
    });
    const [code] = await once(child, 'exit');
    await untilEnded(told);
    if (code !== 0) return typeof code === 'number' ? code : 1;
    const skips = complete ? unexplainedSkips(readFileSync(report, 'utf8')) : [];
    for (const name of skips) console.error(`skipped without a reason: ${name}`);
    return skips.length === 0 ? 0 : 1;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
