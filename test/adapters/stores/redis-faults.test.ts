import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import { afterEach, describe, test } from 'vitest';
import { type RedisStoreOptions, redisStore } from '../../../src/adapters/stores/redis/redis.ts';
import { type ErrorCode, isFailure } from '../../../src/kernel/errors.ts';
import type { Store } from '../../../src/ports/store.ts';
import {
  append,
  collect,
  commit,
  newCommand,
  newEvent,
  newEvents,
  withCode,
} from '../../../src/testing/store-fixtures.ts';
import { takeOver } from '../../../src/testing/stores/checkpoints.suite.ts';
import { newRow } from '../../../src/testing/stores/read-model-rows.ts';
import { describeWithServer } from '../../servers/environment.ts';
import { startRedis } from '../../servers/redis.ts';
import type { Server } from '../../servers/server.ts';
import { type CuttingProxy, startCuttingProxy } from './cutting-proxy.ts';

const account = { type: 'Account', id: 'a' };
const patienceMs = 600;
const isRoot = process.geteuid?.() === 0;
const password = 's3cret/pässword';

const endings: (() => unknown)[] = [];

async function start(...given: Parameters<typeof startRedis>): Promise<Server> {
  const server = await startRedis(...given);
  endings.push(() => server.remove());
  return server;
}

async function open(url: string, options: Partial<RedisStoreOptions> = {}): Promise<Store> {
  const store = await redisStore({ url, patienceMs, ...options });
  endings.push(() => store.close());
  return store;
}

/** The server as anybody sees it. */
function raw(url: string): Redis {
  const redis = new Redis(url, { retryStrategy: null });
  redis.on('error', () => {});
  endings.push(() => redis.disconnect());
  return redis;
}

async function proxyTo(server: Server): Promise<CuttingProxy> {
  const proxy = await startCuttingProxy(server.url);
  endings.push(() => proxy.close());
  return proxy;
}

/** Calls again until it succeeds, as callers of a store do. */
async function untilAnswered<Result>(call: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      assert.ok(withCode('STORE_UNAVAILABLE')(error), String(error));
    }
  }
}

/** An error of ours with this code that says what was found and what to do, and nothing secret. */
const explains = (code: ErrorCode) => (error: unknown) =>
  isFailure(error, code) &&
  error.explanation.found !== undefined &&
  error.explanation.remedy !== undefined &&
  ![password, encodeURIComponent(password)].some((secret) => inspect(error, { depth: 9 }).includes(secret));

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

describeWithServer('TEST_REDIS_URL', 'redis: faults', () => {
  describe('an address that is not usable', () => {
    test('is one clear error at the start: the wrong password, none, a user who may not, a database that is not there', async () => {
      const { url, port } = await start({ password });
      await commit(await open(url), account, 'none');
      await raw(url).call('ACL', ['SETUSER', 'reader', 'on', '>reader', '~*', '+@read', '+ping', '+info', '+select']);
      const at = (user: string, path = '') => `redis://${user}127.0.0.1:${port}${path}`;
      const wrong = [at(`:${encodeURIComponent(`${password}?`)}@`), at(''), at('nobody:x@'), at('reader:reader@')];
      wrong.push(`${url}/99`);
      for (const each of wrong) await assert.rejects(open(each), explains('INVALID_CONFIGURATION'), each);
    });

    test('is one clear error at the start: another protocol, a namespace with braces', async () => {
      await assert.rejects(open('http://127.0.0.1:1', { namespace: 'a}b' }), (error) => {
        return isFailure(error, 'INVALID_CONFIGURATION') && /url.*namespace/.test(error.message);
      });
    });

    test('is STORE_UNAVAILABLE at the start while nobody is there, and opens once somebody is', async () => {
      const server = await start();
      await server.stop();
      await assert.rejects(open(server.url), explains('STORE_UNAVAILABLE'));
      await server.restart();
      await commit(await open(server.url), account, 'none');
    });

    test('of a namespace that a newer version or another application uses is refused, and it stays as it is', async () => {
      const { url } = await start();
      const redis = raw(url);
      for (const [there, code] of [
        ['99', 'STORE_NEWER'],
        ['recipes', 'INVALID_CONFIGURATION'],
      ] as const) {
        await redis.set('{statewright}:format', there);
        await assert.rejects(open(url), explains(code));
        assert.deepEqual(await redis.keys('*'), ['{statewright}:format']);
        assert.equal(await redis.get('{statewright}:format'), there);
      }
    });
  });

  describe('a server that goes', () => {
    test('in mid-command is STORE_UNAVAILABLE; when it is back, in order or after a kill -9, all goes on by itself', async () => {
      const server = await start();
      const store = await open(server.url);
      for (const [round, end] of [server.stop, server.kill].entries()) {
        await commit(store, account, round);
        await end();
        const calls = [
          () => append(store, account, round + 1),
          () => collect(store.events.readAll()),
          () => store.leases.read('relay'),
          () => store.ping(),
        ];
        for (const call of calls) await assert.rejects(call(), explains('STORE_UNAVAILABLE'));
        await server.restart();
        assert.equal(await untilAnswered(() => store.events.head()), round + 1);
      }
      assert.equal((await commit(store, account, 2)).position, 3);
      assert.deepEqual(await store.warnings(), []);
    });

    test('for a moment only is waited for', async () => {
      const server = await start();
      const store = await open(server.url, { patienceMs: 10_000 });
      await server.stop();
      // Whether it was noticed already or is by this call.
      const noticed = store.ping().catch(() => {});
      const waiting = noticed.then(() => commit(store, account, 'none'));
      await server.restart();
      assert.equal((await waiting).position, 1);
    });

    test('still while it stands there answers nobody longer than the patience, and goes on when it does', async () => {
      const server = await start();
      const store = await open(server.url);
      await commit(store, account, 'none');
      await server.pause();
      try {
        await assert.rejects(append(store, account, 1), explains('STORE_UNAVAILABLE'));
        await assert.rejects(store.events.head(), explains('STORE_UNAVAILABLE'));
      } finally {
        server.resume();
      }
      const head = await untilAnswered(() => store.events.streamHead(account));
      assert.ok(head.version >= 1 && head.version <= 2, 'the append may have had its effect');
    });

    test('wakes who watches again when it is back, whoever appends', async () => {
      const server = await start();
      const [watched, other] = [await open(server.url), await open(server.url)];
      let woken = Promise.withResolvers<void>();
      const end = watched.events.watch(() => woken.resolve());
      for (let round = 0; round < 3; round += 1) {
        await untilAnswered(() => commit(other, account, round));
        await woken.promise;
        await server.restart();
        woken = Promise.withResolvers();
      }
      end();
    });
  });

  describe('a connection that is cut in mid-append', () => {
    const entry = { stream: account, expected: 'none', events: newEvents(3), take: ['email:a'] } as const;

    test('before the server saw it is STORE_UNAVAILABLE, and the same entries again are stored', async () => {
      const proxy = await proxyTo(await start());
      const store = await open(proxy.url);
      const entries = [{ ...entry, command: newCommand() }];
      proxy.cutBefore('email:a');
      await assert.rejects(store.events.append(entries), explains('STORE_UNAVAILABLE'));
      const [outcome] = await untilAnswered(() => store.events.append(entries));
      assert.equal(outcome?.kind, 'committed');
      assert.equal(await store.events.head(), 3);
    });

    test('after the server did it is STORE_UNAVAILABLE, and the same entries again are a duplicate', async () => {
      const proxy = await proxyTo(await start());
      const store = await open(proxy.url);
      const entries = [{ ...entry, command: newCommand() }];
      // The first script of each text is sent twice: only the second time the server knows it.
      await commit(store, { type: 'Account', id: 'first' }, 'none');
      proxy.cutAfter('email:a');
      await assert.rejects(store.events.append(entries), explains('STORE_UNAVAILABLE'));
      const [outcome] = await untilAnswered(() => store.events.append(entries));
      assert.equal(outcome?.kind === 'duplicate' && outcome.first.count, 3);
      assert.equal(await store.events.head(), 4);
    });

    test('so that nothing passes and nobody says so is STORE_UNAVAILABLE after the patience', async () => {
      const proxy = await proxyTo(await start());
      const store = await open(proxy.url);
      proxy.block();
      await assert.rejects(append(store, account, 'none'), explains('STORE_UNAVAILABLE'));
      proxy.unblock();
      await untilAnswered(() => commit(store, account, 'none'));
    });

    test('of rows is made once, though its reply was lost and it is tried again', async () => {
      const proxy = await proxyTo(await start());
      const store = await open(proxy.url);
      const fence = await takeOver(store, 'rows');
      const generation = await store.readModels.open({ name: 'rows', hash: 'hash' }, fence);
      const commitRow = (position: number, n: number) =>
        generation.commit({
          upserts: [newRow('row-a', { value: n, totals: { n } })],
          deletes: [],
          checkpoint: { position },
          fence,
        });
      await commitRow(1, 1);
      proxy.cutAfter('row-a');
      await assert.rejects(commitRow(2, 2), explains('STORE_UNAVAILABLE'));
      // Who read the row meanwhile, and folded the same events into it again.
      await untilAnswered(() => commitRow(2, 4));
      assert.equal((await store.readModels.get('rows', 'row-a'))?.value, 2);
      await commitRow(3, 3);
      proxy.cutAfter('row-a');
      await assert.rejects(commitRow(4, 4), explains('STORE_UNAVAILABLE'));
      await untilAnswered(() => store.ping());
      await assert.rejects(commitRow(5, 10), withCode('FENCED'));
      assert.deepEqual(await store.readModels.totals('rows'), { n: 4 });
      assert.deepEqual(await generation.checkpoint(), { position: 4 });
      await commitRow(5, 5);
    });
  });

  describe('a server that does not take what is written', () => {
    test('since it is full stores nothing of the batch, says STORE_FULL, and takes it when there is room', async () => {
      const { url } = await start();
      const [store, redis] = [await open(url), raw(url)];
      await commit(store, account, 'none');
      await redis.config('SET', 'maxmemory', '1');
      const entries = [
        { stream: account, expected: 1, events: newEvents(2), command: newCommand(), take: ['email:a'] },
      ];
      await assert.rejects(store.events.append(entries), explains('STORE_FULL'));
      await assert.rejects(takeOver(store, 'relay'), explains('STORE_FULL'));
      assert.equal((await collect(store.events.readAll())).length, 1);
      assert.equal((await store.events.claimHolders(['email:a'])).size, 0);
      await redis.config('SET', 'maxmemory', '0');
      const [outcome] = await store.events.append(entries);
      assert.deepEqual(outcome?.kind === 'committed' && [outcome.version, outcome.position], [3, 3]);
    });

    test.skipIf(!isRoot)(
      `since its disk is full says STORE_FULL, and goes on when there is room${isRoot ? '' : ' (mounting one needs root)'}`,
      async () => {
        const { url, folder } = await start({ diskMb: 8, args: ['--appendfsync', 'everysec'] });
        const store = await open(url);
        await writeFile(join(folder, 'ballast'), Buffer.alloc(7_000_000));
        const large = [newEvent('Swollen', 'x'.repeat(500_000))];
        await assert.rejects(async () => {
          for (;;) await append(store, account, 'any', large);
        }, explains('STORE_FULL'));
        const { version } = await store.events.streamHead(account);
        await rm(join(folder, 'ballast'));
        for (;;) {
          const [outcome] = await Promise.allSettled([commit(store, account, version)]);
          if (outcome.status === 'fulfilled') break;
          assert.ok(explains('STORE_FULL')(outcome.reason), String(outcome.reason));
        }
        assert.equal((await store.events.streamHead(account)).version, version + 1);
      },
    );

    test('since it is a replica is read, and says STORE_READ_ONLY', async () => {
      const primary = await start();
      const first = await open(primary.url);
      await commit(first, account, 'none', newEvents(3));
      const replica = await start({ args: ['--replicaof', '127.0.0.1', String(primary.port)] });
      const redis = raw(primary.url);
      while ((await redis.call('WAIT', '1', '1000')) !== 1);
      const store = await open(replica.url);
      assert.deepEqual(await collect(store.events.readAll()), await collect(first.events.readAll()));
      await assert.rejects(append(store, account, 3), explains('STORE_READ_ONLY'));
      await assert.rejects(takeOver(store, 'relay'), explains('STORE_READ_ONLY'));
      assert.match((await untilAnswered(() => store.warnings())).join(' '), /replica/);
    });

    test('since it cannot write its own file says STORE_READ_ONLY', async () => {
      const { url, folder } = await start({ args: ['--save', '3600 1'] });
      const store = await open(url);
      await mkdir(join(folder, 'dump.rdb'));
      await raw(url).bgsave();
      await assert.rejects(async () => {
        for (;;) await append(store, account, 'any');
      }, explains('STORE_READ_ONLY'));
    });

    test('forgets its scripts is given them again', async () => {
      const { url } = await start();
      const [store, redis] = [await open(url), raw(url)];
      for (let version = 0; version < 3; version += 1) {
        await commit(store, account, version);
        await redis.script('FLUSH');
      }
      assert.equal((await collect(store.events.readStream(account))).length, 3);
    });
  });

  test('an event that somebody else removed is STORE_CORRUPT when it is met, and is not stepped over', async () => {
    const { url } = await start();
    const store = await open(url);
    await commit(store, account, 'none', newEvents(3));
    await raw(url).hdel('{statewright}:events', '2');
    await assert.rejects(collect(store.events.readAll()), explains('STORE_CORRUPT'));
    await assert.rejects(collect(store.events.readStream(account)), explains('STORE_CORRUPT'));
  });
});
