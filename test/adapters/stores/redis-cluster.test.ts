import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { Redis } from 'ioredis';
import { afterEach, test } from 'vitest';
import { redisStore } from '../../../src/adapters/stores/redis/redis.ts';
import { isFailure } from '../../../src/kernel/errors.ts';
import type { Store } from '../../../src/ports/store.ts';
import { collect, commit, newCommand, newEvents, withCode } from '../../../src/testing/store-fixtures.ts';
import { takeOver } from '../../../src/testing/stores/checkpoints.suite.ts';
import { newRow } from '../../../src/testing/stores/read-model-rows.ts';
import { describeWithServer } from '../../servers/environment.ts';
import { freePort } from '../../servers/free-port.ts';
import { startRedis } from '../../servers/redis.ts';
import type { Server } from '../../servers/server.ts';

const account = { type: 'Account', id: 'a' };
const endings: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

/** Three primaries that share the slots, each with a replica. */
async function startCluster(): Promise<readonly Server[]> {
  const args = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000', '--cluster-replica-validity-factor', '0'];
  const nodes: Server[] = [];
  const addresses: string[] = [];
  while (nodes.length < 6) {
    const busPort = await freePort();
    const node = await startRedis({ args: [...args, '--cluster-port', String(busPort)] });
    endings.push(() => node.remove());
    nodes.push(node);
    addresses.push(`127.0.0.1:${node.port}@${busPort}`);
  }
  execFileSync('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes']);
  return nodes;
}

async function open(url: string): Promise<Store> {
  const store = await redisStore({ url, patienceMs: 3_000 });
  endings.push(() => store.close());
  return store;
}

/** The node whose data the store is in, once its replica has all of it. */
async function ownerOf(nodes: readonly Server[]): Promise<Server> {
  for (const node of nodes) {
    const redis = new Redis(node.url);
    const [role] = (await redis.call('ROLE')) as [string];
    const isOwner = role === 'master' && (await redis.dbsize()) > 0;
    if (isOwner) assert.equal(await redis.call('WAIT', '1', '10000'), 1);
    redis.disconnect();
    if (isOwner) return node;
  }
  throw new Error('No node has any key.');
}

async function untilAnswered<Result>(call: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      assert.ok(withCode('STORE_UNAVAILABLE', 'STORE_READ_ONLY')(error), String(error));
    }
  }
}

/** Something of everything that the store keeps. */
async function useAll(store: Store, round: number): Promise<void> {
  const other = { type: 'Account', id: `other-${round}` };
  const command = newCommand();
  await commit(store, account, round * 2, newEvents(2), { command, take: [`email:${round}`] });
  await commit(store, other, 'none', newEvents(3));
  assert.equal(await store.events.archive(other, await store.events.streamHead(other)), true);
  assert.equal((await collect(store.events.readAll({ types: ['Happened'] }))).length, (round + 1) * 5);
  assert.equal((await collect(store.events.readStream(other))).length, 3);
  const fence = await takeOver(store, 'rows');
  const generation = await store.readModels.open({ name: 'rows', hash: `hash ${round}` }, fence);
  await generation.commit({ upserts: [newRow('a')], deletes: [], checkpoint: { position: 1 }, fence });
  await store.readModels.swap('rows', generation.number, fence);
  assert.equal((await store.readModels.page('rows', { limit: 9 })).rows.length, 1);
  await store.checkpoints.save('relay', { position: round }, fence);
  const [from] = await store.cursors.load('mails', [account]);
  assert.ok(from);
  await store.cursors.advance([{ from, version: round + 1, state: { kind: 'redriving' } }]);
  assert.equal((await store.cursors.redriving('mails', 9)).length, 1);
  await store.cursors.deleteAll('nobody');
  assert.equal(await store.events.forgetCommandIds('2026-01-01T00:00:00.000Z'), 0);
  assert.ok((await collect(store.transfer.records())).length > 3);
}

describeWithServer('TEST_REDIS_URL', 'redis: a cluster', () => {
  test('keeps a store on one node, whichever is asked, and the store follows it to its replica when that node dies', async () => {
    const nodes = await startCluster();
    const stores = await Promise.all(nodes.slice(0, 3).map(({ url }) => untilAnswered(() => open(url))));
    const [first, second] = stores;
    assert.ok(first && second);
    await useAll(first, 0);
    for (const store of stores) assert.equal(await store.events.head(), 5);
    let woken = Promise.withResolvers<void>();
    endings.push(second.events.watch(() => woken.resolve()));
    await useAll(first, 1);
    await woken.promise;

    const owner = await ownerOf(nodes);
    await owner.kill();
    for (const store of stores) assert.equal(await untilAnswered(() => store.events.head()), 10);
    woken = Promise.withResolvers();
    await useAll(first, 2);
    await woken.promise;
    assert.equal((await collect(second.events.readAll())).length, 15);
  }, 120_000);

  test('has database 0 only: another is one clear error', async () => {
    const [node] = await startCluster();
    await assert.rejects(open(`${node?.url}/1`), (error) => isFailure(error, 'INVALID_CONFIGURATION'));
  }, 60_000);
});
