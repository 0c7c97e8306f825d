import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { ServerVariable } from './environment.ts';
import { startFerretdb } from './ferretdb.ts';
import { startKafka } from './kafka.ts';
import { startMongoJava } from './mongo-java.ts';
import { startNats } from './nats.ts';
import { startPostgresql } from './postgresql.ts';
import { startRabbitmq } from './rabbitmq.ts';
import { startRedis } from './redis.ts';
import type { Server } from './server.ts';

const usage = `Starts real servers, each on a free loopback port with data of its own, and stops them in the end.
  npm run test:servers [-- VITEST ARGUMENTS]       runs the tests on them; what would skip for want of a server fails
  node test/servers/main.ts --serve                keeps them until it is ended by Ctrl-C or SIGTERM
  --only redis,postgresql    these only            --write-env FILE  writes their addresses there as well`;

interface Kind {
  readonly variable: ServerVariable;
  start(): Promise<Server>;
}

const kinds: Readonly<Record<string, Kind>> = {
  redis: { variable: 'TEST_REDIS_URL', start: startRedis },
  postgresql: { variable: 'TEST_POSTGRESQL_URL', start: startPostgresql },
  ferretdb: { variable: 'TEST_FERRETDB_URL', start: startFerretdb },
  'mongo-java': { variable: 'TEST_MONGO_JAVA_URL', start: startMongoJava },
  rabbitmq: { variable: 'TEST_RABBITMQ_URL', start: startRabbitmq },
  nats: { variable: 'TEST_NATS_URL', start: startNats },
  kafka: { variable: 'TEST_KAFKA_BROKERS', start: startKafka },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    serve: { type: 'boolean', default: false },
    only: { type: 'string', default: Object.keys(kinds).join(',') },
    'write-env': { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const ending = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ending.abort());
process.exitCode = values.help ? help() : await run();

function help(): number {
  console.log(usage);
  return 0;
}

async function run(): Promise<number> {
  const started: Server[] = [];
  try {
    const chosen = values.only.split(',').map((name) => {
      const kind = kinds[name];
      if (kind === undefined) throw new Error(`Expected one of ${Object.keys(kinds).join(', ')}; found ${name}.`);
      return { name, ...kind };
    });
    const addresses: Record<string, string> = {};
    await Promise.all(
      chosen.map(async ({ name, variable, start }) => {
        const before = Date.now();
        const server = await start();
        started.push(server);
        addresses[variable] = server.url;
        console.log(
          `# ${name} answers after ${Date.now() - before} ms, process ${server.pid}, data in ${server.folder}`,
        );
      }),
    );
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

/** The project's test command with these addresses; its exit code. */
async function test(addresses: Readonly<Record<string, string>>): Promise<number> {
  const child = spawn('npm', ['test', '--', ...positionals], {
    stdio: 'inherit',
    env: { ...process.env, ...addresses, CI: 'true' },
  });
  const [code] = await once(child, 'exit');
  return typeof code === 'number' ? code : 1;
}
