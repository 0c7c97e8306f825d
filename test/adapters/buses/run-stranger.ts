import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ask, serve } from '../../e2e/process.ts';
import { describeWithServer } from '../../servers/environment.ts';
import { environmentOf, serverBuses } from '../../servers/providers.ts';

export interface Stranger {
  /** Of the bus. */
  readonly bus: (typeof serverBuses)[number]['name'];
  /** A program of another language or project, as the shell finds it. */
  readonly program: string;
  /** Tells whether it can run here. Default: the shell finds the program. */
  readonly available?: () => boolean;
  /** Variables that it needs, beside those that the application is told. */
  readonly environment?: () => Promise<Readonly<Record<string, string>>>;
}

/**
 * Runs the first `sh` block of docs/adapters.md that mentions the program, word for word, beside the application on a
 * server of its own, until it has printed the event of a `POST /users`. The block finds the server by the variable that the
 * application is told it by.
 */
export function runStranger({ bus, program, available = () => found(program), environment: extra }: Stranger): void {
  const provider = serverBuses.find(({ name }) => name === bus);
  if (provider === undefined) throw new Error(`There is no bus ${bus}.`);
  describeWithServer(provider.variable, `${program} reads ${bus}`, () => {
    const reads = 'what docs/adapters.md tells a stranger to run prints the event of a POST /users';
    // In CI everything is installed: there it fails.
    if (!process.env.CI && !available()) return test.skip(`${reads} (${program} is not installed)`, () => {});
    test(reads, { timeout: 120_000 }, async () => {
      const [server, dataDir] = await Promise.all([provider.start(), mkdtemp(join(tmpdir(), 'statewright-stranger-'))]);
      const bound = environmentOf({ bus: { provider, address: server.url }, namespace: 'statewright' });
      const serving = await serve(dataDir, bound);
      try {
        const environment = { ...bound, ...(await extra?.()), PATH: process.env.PATH ?? '', HOME: dataDir };
        const domain = `${randomUUID()}.example.com`;
        const printed = printedBy(
          documented(program),
          environment,
          (text) => text.includes(domain) && text.includes('User.UserCreated'),
        );
        let over = false;
        const ended = printed.finally(() => {
          over = true;
        });
        // Who joins late on this bus sees only what comes from now on: until it has, others join the application.
        for (let person = 1; !over; person++) {
          const body = { email: `${person}@${domain}`, firstName: 'Ada', lastName: 'Lovelace' };
          expect((await ask(serving.url, '/users', { body })).status).toBe(202);
          await Promise.race([ended, delay(500)]);
        }
        await printed;
      } finally {
        await serving.stop();
        await server.remove();
        await rm(dataDir, { recursive: true });
      }
    });
  });
}

function found(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
}

function documented(program: string): string {
  const text = readFileSync(new URL('../../../docs/adapters.md', import.meta.url), 'utf8');
  const blocks = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = '']) => block);
  const block = blocks.find((one) => one.includes(program));
  if (block === undefined) throw new Error(`docs/adapters.md shows no sh block with ${program}.`);
  return block;
}

/** Runs it, again when it ends, until what it printed is wanted. */
async function printedBy(
  command: string,
  environment: Readonly<Record<string, string>>,
  wanted: (text: string) => boolean,
): Promise<string> {
  let last = '';
  for (const startedMs = performance.now(); performance.now() - startedMs < 60_000; ) {
    let text = '';
    const child = spawn('sh', ['-c', command], { env: environment, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const end = () => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    };
    const late = setTimeout(end, 30_000);
    const seen = await new Promise<boolean>((resolve) => {
      const hear = (chunk: Buffer) => {
        text += chunk;
        if (wanted(text)) resolve(true);
      };
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      child.on('close', () => resolve(false));
    });
    clearTimeout(late);
    if (seen) {
      end();
      return text;
    }
    last = text;
    await delay(200);
  }
  throw new Error(`It did not print the event. The last run printed: ${last}`);
}
