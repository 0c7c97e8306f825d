import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWithServer } from '../servers/environment.ts';
import { environmentOf, serverStores } from '../servers/providers.ts';
import type { Server } from '../servers/server.ts';
import { listening, type Serving, statewright } from './process.ts';

for (const provider of serverStores) {
  const { name, variable, start } = provider;
  describeWithServer(variable, `the server of ${name} goes and comes back`, () => {
    let server: Server;
    let dataDir: string;
    let serving: Serving | undefined;
    beforeAll(async () => {
      [server, dataDir] = await Promise.all([start(), mkdtemp(join(tmpdir(), 'statewright-outage-'))]);
    }, 120_000);
    afterAll(async () => {
      serving?.child.kill('SIGKILL');
      await server.remove();
      await rm(dataDir, { recursive: true });
    });

    /** Sends the creation of a user, the same each time. */
    function creating(email: string): () => Promise<Response> {
      const headers = { 'content-type': 'application/json', 'idempotency-key': randomUUID() };
      const body = JSON.stringify({ email, firstName: 'Ada', lastName: 'Lovelace' });
      return () => fetch(`${serving?.url}/users`, { method: 'POST', headers, body });
    }
    const health = async () => {
      const answer = await fetch(`${serving?.url}/health`);
      return { code: answer.status, json: await answer.json() };
    };
    const recovers = { timeout: 60_000, interval: 250 };

    test('away at the start, it is waited for', { timeout: 60_000 }, async () => {
      await server.stop();
      const settings = {
        DATA_DIR: dataDir,
        PORT: '0',
        ...environmentOf({ store: { provider, address: server.url }, namespace: 'outage' }),
      };
      const running = statewright(['serve'], settings);
      await running.logged(/STORE_UNAVAILABLE/);
      await server.restart();
      serving = await listening(running);
      expect((await creating('first@example.com')()).status).toBe(202);
    });

    test.for(['stop', 'kill'] as const)(
      '%s: 503 with Retry-After, /health names it, and it comes back by itself',
      { timeout: 120_000 },
      async (how) => {
        await server[how]();
        const create = creating(`${how}@example.com`);
        const refused = await create();
        expect(refused).toMatchObject({ status: 503 });
        expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
        expect(await health()).toMatchObject({ code: 503, json: { eventStore: { status: 'down' } } });
        await server.restart();
        await expect.poll(async () => (await create()).status, recovers).toBe(202);
        await expect.poll(health, recovers).toMatchObject({ code: 200, json: { eventStore: { status: 'up' } } });
      },
    );
  });
}
