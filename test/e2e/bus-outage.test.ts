import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWithServer } from '../servers/environment.ts';
import { environmentOf, serverBuses } from '../servers/providers.ts';
import type { Server } from '../servers/server.ts';
import { ask, type Serving, serve } from './process.ts';

/** How long the broker stays away after the breaker opened; `npm run test:crash` takes a minute. */
const seconds = Number(process.env.CRASH_SECONDS ?? 2);
const users = 5;

for (const provider of serverBuses) {
  describeWithServer(provider.variable, `the bus ${provider.name} goes and comes back`, () => {
    let broker: Server;
    let dataDir: string;
    let serving: Serving;
    beforeAll(async () => {
      [broker, dataDir] = await Promise.all([provider.start(), mkdtemp(join(tmpdir(), 'statewright-bus-outage-'))]);
      const bus = { provider, address: broker.url };
      serving = await serve(dataDir, environmentOf({ bus, namespace: 'outage' }));
    }, 120_000);
    afterAll(async () => {
      serving?.child.kill('SIGKILL');
      await broker.remove();
      await rm(dataDir, { recursive: true });
    });

    const get = (path: string) => ask(serving.url, path).then(({ json }) => json);
    const create = (name: string) => {
      const body = { email: `${name}@example.com`, firstName: 'Ada', lastName: 'Lovelace' };
      return ask(serving.url, '/users', { body });
    };
    /** To whom something was sent, in that order. */
    const sent = async () => {
      const lines = (await readFile(join(dataDir, 'notifications.jsonl'), 'utf8').catch(() => '')).split('\n');
      return lines.slice(0, -1).map((line): string => JSON.parse(line).to);
    };
    const patient = { timeout: 60_000, interval: 200 };

    test('commands are accepted, the breaker opens and shows, nothing is given up, then everything catches up', {
      timeout: 180_000 + seconds * 1_000,
    }, async () => {
      expect((await create('before')).status).toBe(202);
      await expect.poll(sent, patient).toEqual(['before@example.com']);

      await broker.kill();
      const during = Array.from({ length: users }, (_, n) => `during-${n}`);
      for (const name of during) expect((await create(name)).status).toBe(202);
      await expect.poll(() => get('/events/metrics'), patient).toMatchObject({ data: { breakers: { bus: 'open' } } });
      const scraped = await (await fetch(`${serving.url}/metrics`)).text();
      expect(scraped).toContain('statewright_breaker_state{breaker="bus",state="open"} 1');
      expect(scraped).toContain('statewright_breaker_state{breaker="bus",state="closed"} 0');
      expect(await get('/health')).toMatchObject({
        eventStore: { status: 'up' },
        eventBus: { status: 'down' },
        parts: { relay: { status: 'degraded' } },
      });
      await delay(seconds * 1_000);
      expect((await create('late')).status).toBe(202);
      expect((await get('/dead-letters')).data).toEqual([]);

      await broker.restart();
      const all = ['before', ...during, 'late'].map((name) => `${name}@example.com`);
      await expect.poll(async () => (await sent()).sort(), { ...patient, timeout: 120_000 }).toEqual(all.sort());
      expect((await get('/dead-letters')).data).toEqual([]);
      await expect.poll(() => get('/health'), patient).toMatchObject({ status: 'up' });
    });
  });
}
