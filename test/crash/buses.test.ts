import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, test } from 'vitest';
import { openStore } from '../../src/adapters/registry.ts';
import { loadConfig } from '../../src/config.ts';
import { describeWithServer } from '../servers/environment.ts';
import { startPostgresql } from '../servers/postgresql.ts';
import { environmentOf, serverBuses } from '../servers/providers.ts';
import type { Server } from '../servers/server.ts';
import { checkAll } from './check-all.ts';
import { startFleet } from './fleet.ts';
import { startLoad } from './load.ts';

/** How long a load lasts; `npm run test:crash` takes a minute. */
const seconds = Number(process.env.CRASH_SECONDS ?? 20);
const clients = 64;

for (const bus of serverBuses) {
  describeWithServer(bus.variable, `three workers over ${bus.name}`, () => {
    let store: Server;
    let broker: Server;
    beforeAll(async () => {
      [store, broker] = await Promise.all([startPostgresql(), bus.start()]);
    }, 120_000);
    afterAll(() => Promise.all([store.remove(), broker.remove()]));

    test('one killed every five seconds, the broker restarted and then killed: every notification, each row, in order', {
      timeout: 400_000 + seconds * 2_000,
    }, async ({ onTestFinished }) => {
      const dataDir = await mkdtemp(join(tmpdir(), 'statewright-buses-'));
      onTestFinished(() => rm(dataDir, { recursive: true }));
      const environment = environmentOf({
        store: { provider: { name: 'postgresql', told: 'DATABASE_URL' }, address: store.url },
        bus: { provider: bus, address: broker.url },
        namespace: 'buses',
      });
      const fleet = await startFleet({ dataDir, size: 3, environment });
      onTestFinished(fleet.destroy);

      const load = startLoad(fleet, { clients, crowd: 30 });
      await load.answered(clients);
      const until = Date.now() + seconds * 1_000;
      const breakBroker = async () => {
        await delay((seconds * 1_000) / 4);
        await broker.restart();
        await delay((seconds * 1_000) / 4);
        await broker.kill();
        await delay(2_000);
        await broker.restart();
      };
      const killWorkers = async () => {
        for (let which = 0; Date.now() < until; which = (which + 1) % 3) {
          await delay(5_000);
          await fleet.crash(which);
        }
      };
      await Promise.all([breakBroker(), killWorkers()]);
      await load.answered(clients);
      await load.stop();

      const open = () => openStore(loadConfig({ environment, file: '' }).store);
      const { events, repeats } = await checkAll({ fleet, load, dataDir, openStore: open });
      console.log(`${bus.name}: ${load.answers.length} commands, ${events} events, ${repeats} messages sent again`);
    });
  });
}
