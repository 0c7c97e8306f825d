import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { afterEach, describe, test } from 'vitest';
import { type MongodbStoreOptions, mongodbStore } from '../../../src/adapters/stores/mongodb/mongodb.ts';
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
import { startFerretdb } from '../../servers/ferretdb.ts';
import type { Server } from '../../servers/server.ts';
import { type CuttingProxy, startCuttingProxy } from './cutting-proxy.ts';

const account = { type: 'Account', id: 'a' };
const patienceMs = 600;
const isRoot = process.getuid?.() === 0;

const endings: (() => unknown)[] = [];

async function start(...given: Parameters<typeof startFerretdb>): Promise<Server> {
  const server = await startFerretdb(...given);
  endings.push(() => server.remove());
  return server;
}

async function open(url: string, options: Partial<MongodbStoreOptions> = {}): Promise<Store> {
  const store = await mongodbStore({ url, patienceMs, answerMs: 2000, ...options });
  endings.push(() => store.close());
  return store;
}

/** A collection of the store, as anybody sees it. */
async function collection(url: string, name: string) {
  const client = await MongoClient.connect(url);
  endings.push(() => client.close());
  return client.db('statewright').collection<{ _id: string; [field: string]: unknown }>(`statewright_${name}`);
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

/** An error of ours with this code that says what was found and what to do, and no password. */
const explains = (code: ErrorCode) => (error: unknown) =>
  isFailure(error, code) &&
  error.explanation.found !== undefined &&
  error.explanation.remedy !== undefined &&
  !error.message.includes('s3cret');

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

describeWithServer('TEST_FERRETDB_URL', 'mongodb: faults', () => {
  describe('at the start', () => {
    test('an address that is none is INVALID_CONFIGURATION', async () => {
      for (const url of ['http://127.0.0.1', 'mongodb://', 'mongodb://127.0.0.1:99999999']) {
        await assert.rejects(open(url), explains('INVALID_CONFIGURATION'), url);
      }
    });

    test('a user that the server does not know is INVALID_CONFIGURATION, told without the password', async () => {
      const { port } = await start();
      const url = `mongodb://nobody:s3cret@127.0.0.1:${port}/statewright?directConnection=true`;
      await assert.rejects(open(url), explains('INVALID_CONFIGURATION'));
    });

    test('nobody there is STORE_UNAVAILABLE, and it opens once somebody is', async () => {
      const server = await start();
      await server.stop();
      await assert.rejects(open(server.url), explains('STORE_UNAVAILABLE'));
      await server.restart();
      await commit(await open(server.url), account, 'none');
    });

    test('collections of a newer version are STORE_NEWER and stay as they are', async () => {
      const { url } = await start();
      const marks = await collection(url, 'marks');
      await marks.insertOne({ _id: 'format', n: 99 });
      await assert.rejects(open(url), explains('STORE_NEWER'));
      assert.deepEqual(await marks.find().toArray(), [{ _id: 'format', n: 99 }]);
    });
  });

  describe('a server that goes', () => {
    test('in mid-command is STORE_UNAVAILABLE; when it is back, in order or after a kill -9, all goes on by itself', async () => {
      const server = await start();
      const store = await open(server.url, { patienceMs: 200 });
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
      assert.equal((await untilAnswered(() => commit(store, account, 2))).position, 3);
    });

    test('for a moment only is waited for', async () => {
      const server = await start();
      const store = await open(server.url, { patienceMs: 10_000 });
      await server.stop();
      const waiting = commit(store, account, 'none');
      await server.restart();
      assert.equal((await waiting).position, 1);
    });

    test('still while it stands there answers nobody for ever, and goes on when it does', async () => {
      const server = await start();
      const store = await open(server.url);
      await commit(store, account, 'none');
      await server.pause();
      try {
        await assert.rejects(append(store, account, 1), explains('STORE_UNAVAILABLE'));
      } finally {
        server.resume();
      }
      const head = await untilAnswered(() => store.events.streamHead(account));
      assert.ok(head.version >= 1 && head.version <= 2, 'the append may have had its effect');
    });
  });

  describe('a connection that is cut in mid-append', () => {
    const entry = { stream: account, expected: 'none', events: newEvents(3), take: ['email:a'] } as const;

    for (const moment of ['before', 'after'] as const) {
      test(`${moment} the server did it is noticed, and the append is made once`, async () => {
        const proxy = await proxyTo(await start());
        const store = await open(proxy.url, { patienceMs: 5000 });
        await commit(store, { type: 'Account', id: 'first' }, 'none');
        if (moment === 'before') proxy.cutBefore('email:a');
        else proxy.cutAfter('email:a');
        const entries = [{ ...entry, command: newCommand() }];
        const [outcome] = await store.events.append(entries);
        assert.deepEqual(outcome?.kind === 'committed' && [outcome.version, outcome.position], [3, 4]);
        assert.equal((await store.events.append(entries))[0]?.kind, 'duplicate');
        assert.equal(await store.events.head(), 4);
      });
    }

    test('so that nothing passes and nobody says so is STORE_UNAVAILABLE, and the same entries again are stored once', async () => {
      const proxy = await proxyTo(await start());
      const store = await open(proxy.url);
      await commit(store, { type: 'Account', id: 'first' }, 'none');
      const entries = [{ ...entry, command: newCommand() }];
      proxy.block();
      await assert.rejects(store.events.append(entries), explains('STORE_UNAVAILABLE'));
      proxy.unblock();
      const [outcome] = await untilAnswered(() => store.events.append(entries));
      assert.ok(outcome?.kind === 'committed' || outcome?.kind === 'duplicate');
      assert.equal(await store.events.head(), 4);
    });

    test('of rows is made once, though its reply was lost and it is tried again', async () => {
      const proxy = await proxyTo(await start());
      const store = await open(proxy.url, { patienceMs: 0 });
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
      proxy.cutAfter('"deletes":[');
      await assert.rejects(commitRow(2, 2), explains('STORE_UNAVAILABLE'));
      // Who read the row meanwhile, and folded the same events into it again.
      await untilAnswered(() => commitRow(2, 4));
      assert.equal((await untilAnswered(() => store.readModels.get('rows', 'row-a')))?.value, 2);
      assert.deepEqual(await store.readModels.totals('rows'), { n: 2 });
      assert.deepEqual(await generation.checkpoint(), { position: 2 });
      await untilAnswered(() => commitRow(3, 3));
      assert.deepEqual(await store.readModels.totals('rows'), { n: 3 });
    });
  });

  describe('a server that does not keep', () => {
    test.skipIf(!isRoot)(
      `more, since its disk is full, says STORE_FULL, and goes on when there is room${isRoot ? '' : ' (mounting one needs root)'}`,
      async () => {
        const { url, folder } = await start({ diskMb: 12 });
        const store = await open(url);
        await writeFile(join(folder, 'ballast'), Buffer.alloc(7_000_000));
        const large = [newEvent('Swollen', 'x'.repeat(500_000))];
        await assert.rejects(async () => {
          for (;;) await append(store, account, 'any', large);
        }, explains('STORE_FULL'));
        const { version } = await store.events.streamHead(account);
        await rm(join(folder, 'ballast'));
        await untilAnswered(() => commit(store, account, version));
        assert.equal((await store.events.streamHead(account)).version, version + 1);
      },
    );

    test('a commit that somebody else removed is STORE_CORRUPT when it is met, and is not stepped over', async () => {
      const { url } = await start();
      const store = await open(url);
      for (let version = 0; version < 3; version += 1) await commit(store, account, version);
      await store.close();
      await (await collection(url, 'commits')).deleteOne({ _id: '000000000002' });
      const other = await open(url);
      await assert.rejects(collect(other.events.readStream(account, { from: 2 })), explains('STORE_CORRUPT'));
    });

    test('its last commits, coming back without them, is STORE_CORRUPT until the worker is started again', async () => {
      const server = await start();
      const store = await open(server.url, { patienceMs: 5000 });
      for (let version = 0; version < 3; version += 1) await commit(store, account, version);
      await (await collection(server.url, 'commits')).deleteOne({ _id: '000000000003' });
      await server.restart();
      // What was written after the commit went with it.
      await (await collection(server.url, 'streams')).deleteMany({});
      await (await collection(server.url, 'marks')).deleteMany({ _id: 'indexed' });
      await assert.rejects(append(store, account, 3), explains('STORE_CORRUPT'));
      await assert.rejects(append(store, account, 3), explains('STORE_CORRUPT'));
      const again = await open(server.url);
      assert.equal((await collect(again.events.readAll())).length, 2);
      assert.equal((await commit(again, account, 2)).position, 3);
    });
  });
});
