import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'vitest';
import { openStore, type StoreSettings } from '../../src/adapters/registry.ts';
import { exportLog } from '../../src/cli/export.ts';
import { importLog } from '../../src/cli/import.ts';
import type { Store } from '../../src/ports/store.ts';
import { fillLog } from '../../src/testing/stores/filled-log.ts';
import { assertSameLog } from '../../src/testing/stores/move-log.ts';
import { describeWithServer, type ServerVariable } from '../servers/environment.ts';
import { serverStores } from '../servers/providers.ts';
import { noProgress } from './no-progress.ts';

interface Provider {
  readonly name: string;
  readonly provider: StoreSettings['provider'];
  readonly variable?: ServerVariable;
}

const providers: readonly Provider[] = [
  { name: 'memory', provider: 'memory' },
  { name: 'sqlite', provider: 'sqlite' },
  ...serverStores.map(({ name, variable }) => ({ name, provider: name, variable })),
  { name: 'mongo-java-server', provider: 'mongodb', variable: 'TEST_MONGO_JAVA_URL' },
];

let directory: string;
const opened: Store[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'statewright-pairs-'));
});

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
  await rm(directory, { recursive: true });
});

/** An empty place. */
async function openNew({ provider }: Provider, url = ''): Promise<Store> {
  const settings = { provider, url, directory: join(directory, randomUUID()), namespace: `test-${randomUUID()}` };
  const store = await openStore(settings as StoreSettings);
  opened.push(store);
  return store;
}

for (const from of providers) {
  for (const to of providers) {
    describe(`from ${from.name} to ${to.name}`, () => {
      placed(from, (source) =>
        placed(to, (target) => {
          test('a log that is exported and imported is the same: events, commands, claims, cursors, checkpoints', async () => {
            const [one, other] = [await openNew(from, source), await openNew(to, target)];
            await fillLog(one);
            const file = join(directory, 'log.jsonl.gz');
            await exportLog(one, file, noProgress);
            await importLog(other, file, noProgress);
            await assertSameLog(other, one);
            await importLog(other, file, noProgress);
            await assertSameLog(other, one);
          });
        }),
      );
    });
  }
}

function placed({ name, variable }: Provider, tests: (address?: string) => void): void {
  if (variable === undefined) tests();
  else describeWithServer(variable, name, tests);
}
