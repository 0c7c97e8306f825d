import assert from 'node:assert/strict';
import { cp, readdir, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, describe, test } from 'vitest';
import { redisStore } from '../../../src/adapters/stores/redis/redis.ts';
import type { RecordedEvent } from '../../../src/kernel/message.ts';
import type { Store } from '../../../src/ports/store.ts';
import { collect, commit, newCommand, newEvents, withCode } from '../../../src/testing/store-fixtures.ts';
import { takeOver } from '../../../src/testing/stores/checkpoints.suite.ts';
import { allPages, newRow } from '../../../src/testing/stores/read-model-rows.ts';
import { describeWithServer } from '../../servers/environment.ts';
import { startRedis } from '../../servers/redis.ts';
import type { Server } from '../../servers/server.ts';
import { startCuttingProxy } from './cutting-proxy.ts';

const account = { type: 'Account', id: 'a' };
const endings: (() => unknown)[] = [];

async function start(...args: readonly string[]): Promise<Server> {
  const server = await startRedis({ args });
  endings.push(() => server.remove());
  return server;
}

async function open(url: string): Promise<Store> {
  const store = await redisStore({ url });
  endings.push(() => store.close());
  return store;
}

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

/** Where the server appends everything it does. */
const logFolder = ({ folder }: Server) => join(folder, 'appendonlydir');

/** Calls again until the server is found to be back. */
async function answered<Result>(call: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      assert.ok(withCode('STORE_UNAVAILABLE')(error), String(error));
    }
  }
}

describeWithServer('TEST_REDIS_URL', 'redis: what may be lost', () => {
  describe('warns of', () => {
    test('nothing, of a server that appends each write to its file and evicts nothing', async () => {
      assert.deepEqual(await (await open((await start()).url)).warnings(), []);
    });

    test.for([
      [
        'a server that may evict',
        ['--maxmemory', '1gb', '--maxmemory-policy', 'allkeys-lru'],
        /noeviction.*allkeys-lru/,
      ],
      ['a server without a file', ['--appendonly', 'no'], /appendonly/],
      ['a server that writes its file every second', ['--appendfsync', 'everysec'], /appendfsync.*everysec/],
    ] as const)('%s', async ([, args, pattern]) => {
      const [warning, ...more] = await (await open((await start(...args)).url)).warnings();
      assert.match(warning ?? '', pattern);
      assert.deepEqual(more, []);
    });

    test.for([
      ['a server that does not let itself be asked', ['-@dangerous'], /does not allow INFO/],
      ['a managed server, which hides its settings', ['-config'], /does not allow CONFIG GET/],
    ] as const)('%s', async ([, rights, pattern]) => {
      const { url, port } = await start();
      const admin = new Redis(url);
      endings.push(() => admin.disconnect());
      await admin.call('ACL', ['SETUSER', 'app', 'on', '>app', '~{statewright}:*', '+@all', ...rights]);
      const store = await open(`redis://app:app@127.0.0.1:${port}`);
      await commit(store, account, 'none');
      const [warning, ...more] = await store.warnings();
      assert.match(warning ?? '', pattern);
      assert.deepEqual(more, []);
    });

    test('nothing, of a server that evicts only what has an expiry', async () => {
      const { url } = await start('--maxmemory', '1gb', '--maxmemory-policy', 'volatile-lru');
      assert.deepEqual(await (await open(url)).warnings(), []);
    });
  });

  describe('a log that lost its tail', () => {
    /** Three events, then three more that are lost with the end of the server's file; the store can't reach it yet. */
    async function loseTail(meanwhile: (store: Store, url: string) => Promise<void>) {
      const server = await start();
      const proxy = await startCuttingProxy(server.url);
      endings.push(() => proxy.close());
      const store = await open(proxy.url);
      await commit(store, account, 'none', newEvents(3));
      await cp(logFolder(server), `${logFolder(server)}-before`, { recursive: true });
      await meanwhile(store, server.url);
      proxy.block();
      await server.kill();
      await rm(logFolder(server), { recursive: true });
      await cp(`${logFolder(server)}-before`, logFolder(server), { recursive: true });
      await server.restart();
      return { server, store, reconnect: proxy.unblock };
    }

    test('is told by who was answered, also when it has grown again; what was lost can be stored anew', async () => {
      const command = newCommand();
      const { server, store, reconnect } = await loseTail(async (before) => {
        await commit(before, account, 3, newEvents(3), { command, take: ['email:a'] });
      });
      const other = await open(server.url);
      assert.deepEqual(await other.warnings(), []);
      await commit(other, account, 3, newEvents(4));
      reconnect();
      await assert.rejects(
        answered(async () => assert.deepEqual(await store.warnings(), [])),
        /event .* was stored at position 6, and another event, .*, is there now/,
      );
      assert.equal((await store.events.claimHolders(['email:a'])).size, 0);
      assert.equal((await commit(store, account, 7, newEvents(1), { command, take: ['email:a'] })).position, 8);
      assert.match((await store.warnings()).join(), /lost its tail/);
    });

    test('is told by who only read it', async () => {
      const { store, reconnect } = await loseTail(async (before, url) => {
        await commit(await open(url), account, 3, newEvents(3));
        await collect(before.events.readAll());
      });
      reconnect();
      await assert.rejects(
        answered(async () => assert.deepEqual(await store.warnings(), [])),
        /position 6, and the log now ends at 3/,
      );
    });

    test('wakes who watches for what comes then', async () => {
      const { server, store, reconnect } = await loseTail(async (before) => {
        const woken = Promise.withResolvers<void>();
        endings.push(before.events.watch(woken.resolve));
        await commit(before, account, 3, newEvents(3));
        await woken.promise;
      });
      reconnect();
      const woken = Promise.withResolvers<void>();
      endings.push(store.events.watch(woken.resolve));
      await commit(await open(server.url), account, 3);
      await woken.promise;
    });
  });

  test('wherever its file was cut, what is left is of one moment: log, streams, claims, command ids, cursors, rows', async () => {
    const server = await start();
    await liveOn(await open(server.url));
    await server.kill();
    const folder = logFolder(server);
    await cp(folder, `${folder}-whole`, { recursive: true });
    const file = (await readdir(folder)).find((name) => name.endsWith('.incr.aof')) ?? '';
    const { size } = await stat(join(folder, file));
    const heads: number[] = [];
    for (let cut = 1; cut <= 12; cut += 1) {
      await rm(folder, { recursive: true });
      await cp(`${folder}-whole`, folder, { recursive: true });
      // Odd lengths, so that most fall into the middle of something.
      await truncate(join(folder, file), size - Math.floor((size * cut * 0.97) / 13) - 1);
      await server.restart();
      const store = await open(server.url);
      await assertOfOneMoment(store);
      heads.push(await store.events.head());
      await commit(store, account, 'any');
      await store.close();
      await server.kill();
    }
    assert.ok(new Set(heads).size > 5, `cut at ${heads}`);
  });
});

/** Appends, commits of rows and cursors, one after the other. */
async function liveOn(store: Store): Promise<void> {
  const fence = await takeOver(store, 'rows');
  const generation = await store.readModels.open({ name: 'rows', hash: 'hash' }, fence);
  for (let round = 1; round <= 40; round += 1) {
    const entries = Array.from({ length: 5 }, (_, at) => {
      const stream = { type: 'Account', id: `${round % 7}-${at}` };
      const command = newCommand();
      return { stream, expected: 'any', events: newEvents(3), command, take: [`claim:${round}-${at}`] } as const;
    });
    await store.events.append(entries);
    const upserts = [newRow(`row-${round}`, { totals: { n: round }, index: { parity: String(round % 2) } })];
    await generation.commit({ upserts, deletes: [], checkpoint: { position: round * 15 }, fence });
    const [from] = await store.cursors.load('mails', [account]);
    assert.ok(from);
    await store.cursors.advance([{ from, version: round, state: { kind: 'redriving' } }]);
  }
}

async function assertOfOneMoment(store: Store): Promise<void> {
  const log = await collect(store.events.readAll());
  const head = await store.events.head();
  assert.deepEqual(
    log.map(({ position }) => position),
    Array.from({ length: head }, (_, at) => at + 1),
  );
  const byStream = Map.groupBy(log, ({ stream }) => stream.id);
  for (const own of byStream.values()) {
    const last = own.at(-1) as RecordedEvent;
    assert.deepEqual(await collect(store.events.readStream(last.stream)), own);
    assert.deepEqual(await store.events.streamHead(last.stream), { version: own.length, eventId: last.id });
  }
  assert.deepEqual(await collect(store.events.readAll({ types: ['Happened'] })), log);
  assert.equal(log.length % 15, 0, 'an append is there by half');
  const records = await collect(store.transfer.records());
  const count = (kind: string) => records.filter((record) => record.kind === kind).length;
  assert.deepEqual([count('command'), count('claim')], [head / 3, head / 3]);
  const rows = await allPages(store, 'rows', { limit: 1000 });
  const checkpoint = (await store.readModels.status('rows'))?.live.checkpoint.position ?? 0;
  assert.ok(checkpoint <= head);
  assert.equal(rows.length, checkpoint / 15);
  const { n = 0 } = await store.readModels.totals('rows');
  assert.equal(n, (rows.length * (rows.length + 1)) / 2);
  const [cursor] = await store.cursors.load('mails', [account]);
  assert.ok(cursor && cursor.version <= rows.length);
  assert.equal((await store.cursors.redriving('mails', 9)).length, cursor.version === 0 ? 0 : 1);
}
