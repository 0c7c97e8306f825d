import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, test } from 'vitest';
import { openStore } from '../../src/adapters/registry.ts';
import { loadConfig } from '../../src/config.ts';
import { describeWithServer } from '../servers/environment.ts';
import { environmentOf, serverStores } from '../servers/providers.ts';
import type { Server } from '../servers/server.ts';
import { checkAll } from './check-all.ts';
import { type Fleet, startFleet } from './fleet.ts';
import { startLoad } from './load.ts';

/** How long a load lasts; `npm run test:crash` takes a minute. */
const seconds = Number(process.env.CRASH_SECONDS ?? 12);
/** FerretDB reads whole collections, so fewer keep it as busy. */
const sizeOf = (store: string) => (store === 'mongodb' ? { clients: 16, crowd: 20 } : { clients: 64, crowd: 100 });

/** What is done to two workers and their store while the load lasts. */
const troubles: readonly {
  readonly name: string;
  trouble(fleet: Fleet, server: Server, over: AbortSignal): Promise<void>;
}[] = [
  { name: 'undisturbed', async trouble() {} },
  {
    name: 'one of them killed every five seconds',
    async trouble(fleet, _, over) {
      for (let which = 0; await passed(5_000, over); which = 1 - which) await fleet.crash(which);
    },
  },
  {
    name: 'one of them stopped for 20 s, then resumed',
    async trouble(fleet, _, over) {
      await passed(2_000, over);
      fleet.pause(0);
      await delay(20_000);
      fleet.resume(0);
    },
  },
  {
    name: 'the server restarted, then killed and restarted',
    async trouble(_, server, over) {
      await passed(3_000, over);
      await server.restart();
      await passed(3_000, over);
      await server.kill();
      await server.restart();
    },
  },
];

for (const provider of serverStores) {
  const { name, variable, start } = provider;
  const { clients, crowd } = sizeOf(name);
  describeWithServer(variable, `two workers on ${name}`, () => {
    let server: Server;
    beforeAll(async () => {
      server = await start();
    }, 120_000);
    afterAll(() => server.remove());

    test.for(troubles.map((each, number) => ({ ...each, namespace: `workers${number}` })))(
      `$name, under ${clients} clients: nothing lost, nothing twice, and they carry on by themselves`,
      { timeout: 400_000 + seconds * 10_000 },
      async ({ trouble, namespace }, { onTestFinished }) => {
        const dataDir = await mkdtemp(join(tmpdir(), 'statewright-workers-'));
        onTestFinished(() => rm(dataDir, { recursive: true }));
        const environment = environmentOf({ store: { provider, address: server.url }, namespace });
        const fleet = await startFleet({ dataDir, size: 2, environment });
        onTestFinished(fleet.destroy);

        const load = startLoad(fleet, { clients, crowd });
        const over = AbortSignal.timeout(seconds * 1_000);
        await load.answered(clients);
        await trouble(fleet, server, over);
        await passed(seconds * 1_000, over);
        // Everybody gets through to the end, also after the last trouble.
        await load.answered(10 * clients);
        await load.stop();

        const open = () => openStore(loadConfig({ environment, file: '' }).store);
        const { events, repeats } = await checkAll({ fleet, load, dataDir, openStore: open });
        console.log(`${name}: ${load.answers.length} commands, ${events} events, ${repeats} messages sent again`);
      },
    );
  });
}

/** Resolves after this time with true, or with false when the load's time is over. */
async function passed(ms: number, over: AbortSignal): Promise<boolean> {
  return delay(ms, true, { signal: over }).catch(() => false);
}
