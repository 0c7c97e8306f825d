import assert from 'node:assert/strict';
import pg from 'pg';
import { afterEach, describe, test } from 'vitest';
import { type PostgresqlStoreOptions, postgresqlStore } from '../../../src/adapters/stores/postgresql/postgresql.ts';
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
import { startPostgresql } from '../../servers/postgresql.ts';
import type { Server } from '../../servers/server.ts';
import { type CuttingProxy, startCuttingProxy } from './cutting-proxy.ts';

const account = { type: 'Account', id: 'a' };
const patienceMs = 600;
const password = 's3cret/pässword';

const endings: (() => unknown)[] = [];

async function start(...given: Parameters<typeof startPostgresql>): Promise<Server> {
  const server = await startPostgresql(...given);
  endings.push(() => server.remove());
  return server;
}

async function open(url: string, options: Partial<PostgresqlStoreOptions> = {}): Promise<Store> {
  const store = await postgresqlStore({ url, patienceMs, ...options });
  endings.push(() => store.close());
  return store;
}

/** The server as anybody sees it. */
async function raw(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  endings.push(() => client.end());
  return client;
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
  ![password, encodeURIComponent(password)].some((secret) => error.message.includes(secret));

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

describeWithServer('TEST_POSTGRESQL_URL', 'postgresql: faults', () => {
  describe('an address that is not usable', () => {
    test('is one clear error at the start: the wrong password, none, a role or a database that is not there, a role that may not', async () => {
      const { url, port } = await start({ password });
      await commit(await open(url), account, 'none');
      const admin = await raw(url);
      await admin.query(`CREATE ROLE reader LOGIN PASSWORD 'reader'`);
      await admin.query(`CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`);
      const secret = encodeURIComponent(password);
      const at = (user: string, database = 'postgres') => `postgresql://${user}@127.0.0.1:${port}/${database}`;
      const wrong = [at(`postgres:${secret}x`), at('postgres'), at('nobody:x'), at('reader:reader')];
      wrong.push(at(`postgres:${secret}`, 'nothing'), at(`postgres:${secret}`, 'latin'));
      for (const each of wrong) await assert.rejects(open(each), explains('INVALID_CONFIGURATION'), each);
    });

    test('is one clear error at the start: another protocol, a namespace that is too long or reserved', async () => {
      const { url } = await start();
      await assert.rejects(open(`http://u:${password}@[`), explains('INVALID_CONFIGURATION'));
      await assert.rejects(open(`mysql://u:${password}@127.0.0.1/x`), explains('INVALID_CONFIGURATION'));
      for (const namespace of ['', 'ä'.repeat(32), 'pg_mine', 'information_schema']) {
        await assert.rejects(open(url, { namespace }), explains('INVALID_CONFIGURATION'), namespace);
      }
      await commit(await open(url, { namespace: 'ä'.repeat(31) }), account, 'none');
    });

    test('is STORE_UNAVAILABLE at the start while nobody is there, and opens once somebody is', async () => {
      const server = await start();
      await server.stop();
      await assert.rejects(open(server.url), explains('STORE_UNAVAILABLE'));
      await server.restart();
      await commit(await open(server.url), account, 'none');
    });

    test('of a schema that a newer version or another application uses is refused, and it stays as it is', async () => {
      const { url } = await start();
      const admin = await raw(url);
      await admin.query('CREATE SCHEMA theirs; CREATE TABLE theirs.recipes (name text)');
      await assert.rejects(open(url, { namespace: 'theirs' }), explains('INVALID_CONFIGURATION'));
      await (await open(url)).close();
      await admin.query('UPDATE statewright.statewright SET version = 99');
      await assert.rejects(open(url), explains('STORE_NEWER'));
      const { rows } = await admin.query(`SELECT version, (SELECT count(*)::int FROM pg_class c JOIN pg_namespace n
        ON n.oid = c.relnamespace WHERE nspname = 'theirs') AS theirs FROM statewright.statewright`);
      assert.deepEqual(rows, [{ version: 99, theirs: 1 }]);
    });

    test('is no fault of a role that owns its schema, or may create one', async () => {
      const { url, port } = await start();
      const admin = await raw(url);
      for (const statement of [
        'CREATE ROLE owner LOGIN',
        'CREATE SCHEMA "of owner" AUTHORIZATION owner',
        'CREATE ROLE creator LOGIN',
        'GRANT CREATE ON DATABASE postgres TO creator',
      ]) {
        await admin.query(statement);
      }
      for (const [role, namespace] of [
        ['owner', 'of owner'],
        ['creator', 'of creator'],
      ] as const) {
        const store = await open(`postgresql://${role}@127.0.0.1:${port}/postgres`, { namespace });
        await commit(store, account, 'none');
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
      const store = await open(server.url, { patienceMs: 20_000 });
      await server.stop();
      // Whether it was noticed already or is by this call.
      const noticed = store.ping().catch(() => {});
      const waiting = noticed.then(() => commit(store, account, 'none'));
      await server.restart();
      assert.equal((await waiting).position, 1);
    });

    test('still while it stands there answers nobody for ever, is closed all the same, and goes on when it does', async () => {
      const server = await start();
      const [store, closed] = [await open(server.url), await open(server.url)];
      await commit(store, account, 'none');
      closed.events.watch(() => {});
      await closed.ping();
      await server.pause();
      try {
        await assert.rejects(append(store, account, 1), explains('STORE_UNAVAILABLE'));
        await assert.rejects(store.events.head(), explains('STORE_UNAVAILABLE'));
        await closed.close();
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
      proxy.cutAfter('email:a');
      await assert.rejects(store.events.append(entries), explains('STORE_UNAVAILABLE'));
      const [outcome] = await untilAnswered(() => store.events.append(entries));
      assert.equal(outcome?.kind === 'duplicate' && outcome.first.count, 3);
      assert.equal(await store.events.head(), 3);
    });

    test('so that nothing passes and nobody says so is STORE_UNAVAILABLE after the patience', async () => {
      const proxy = await proxyTo(await start());
      const store = await open(proxy.url);
      proxy.block();
      await assert.rejects(append(store, account, 'none'), explains('STORE_UNAVAILABLE'));
      proxy.unblock();
      await untilAnswered(() => commit(store, account, 'none'));
    });

    test('of rows is made once, though its answer was lost and the same events are folded again', async () => {
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
    test('since its disk is full stores nothing of the batch, says STORE_FULL, and takes it when there is room', async ({
      skip,
    }) => {
      if (process.geteuid?.() !== 0) skip('a disk of its own needs root');
      const { url } = await start({ tablesDiskMb: 40 });
      const store = await open(url, { patienceMs: 10_000 });
      await commit(store, account, 'none');
      const admin = await raw(url);
      await admin.query('CREATE TABLE ballast (text text)');
      await admin.query('ALTER TABLE ballast ALTER text SET STORAGE EXTERNAL');
      await assert.rejects(async () => {
        for (;;) await admin.query(`INSERT INTO ballast VALUES (repeat('x', 100000))`);
      });
      const large = () =>
        newEvent(
          'Swollen',
          Array.from({ length: 200_000 }, () => Math.random()),
        );
      const entries = [
        { stream: account, expected: 1, events: newEvents(2), command: newCommand(), take: ['email:a'] },
        { stream: { type: 'Account', id: 'b' }, expected: 'none', events: [large(), large()] },
      ] as const;
      await assert.rejects(store.events.append(entries), explains('STORE_FULL'));
      assert.equal((await collect(store.events.readAll())).length, 1);
      assert.equal((await store.events.claimHolders(['email:a'])).size, 0);
      await admin.query('DROP TABLE ballast');
      const [outcome] = await store.events.append(entries);
      assert.deepEqual(outcome?.kind === 'committed' && [outcome.version, outcome.position], [3, 3]);
    });

    test('since it is read-only is read, and says STORE_READ_ONLY', async () => {
      const { url } = await start();
      await commit(await open(url), account, 'none', newEvents(3));
      await (await raw(url)).query('ALTER DATABASE postgres SET default_transaction_read_only = on');
      const store = await open(url);
      assert.equal((await collect(store.events.readAll())).length, 3);
      await assert.rejects(append(store, account, 3), explains('STORE_READ_ONLY'));
      await assert.rejects(takeOver(store, 'relay'), explains('STORE_READ_ONLY'));
      await assert.rejects(open(url, { namespace: 'another' }), explains('STORE_READ_ONLY'));
    });

    test('since it lost a table is STORE_CORRUPT', async () => {
      const { url } = await start();
      const store = await open(url);
      await commit(store, account, 'none');
      await (await raw(url)).query('DROP TABLE statewright.claims');
      await assert.rejects(append(store, account, 1, newEvents(1), { take: ['a:b'] }), explains('STORE_CORRUPT'));
      assert.equal(await store.events.head(), 1);
    });
  });

  describe('somebody else on the server', () => {
    test('who leaves a transaction open, after reading and writing elsewhere, stalls nobody', async () => {
      const { url } = await start();
      const store = await open(url);
      await commit(store, account, 'none');
      const other = await raw(url);
      await other.query('BEGIN ISOLATION LEVEL REPEATABLE READ; CREATE TABLE theirs (name text)');
      await other.query('SELECT * FROM statewright.events, statewright.head, statewright.streams');
      for (let version = 1; version < 20; version += 1) {
        const { position } = await commit(store, account, version);
        const [read] = await collect(store.events.readAll({ after: position - 1 }));
        assert.equal(read?.version, version + 1);
      }
    });

    test('who locks our tables is waited for, beyond the patience it is STORE_UNAVAILABLE, and then the same passes', async () => {
      const { url } = await start();
      const store = await open(url);
      await commit(store, account, 'none');
      const other = await raw(url);
      await other.query('BEGIN; LOCK TABLE statewright.head IN EXCLUSIVE MODE');
      const entry = [newEvents(1), { command: newCommand() }] as const;
      await assert.rejects(append(store, account, 1, ...entry), explains('STORE_UNAVAILABLE'));
      assert.equal(await store.events.head(), 1);
      await other.query('ROLLBACK');
      assert.equal((await append(store, account, 1, ...entry)).kind, 'committed');
      assert.equal((await append(store, account, 1, ...entry)).kind, 'duplicate');
    });

    test('who ends all our connections costs no more than the calls under way', async () => {
      const { url } = await start();
      const store = await open(url);
      const other = await raw(url);
      const writing = Array.from({ length: 20 }, (_, at) =>
        untilAnswered(() =>
          append(store, { type: 'Account', id: `${at}` }, 'any', newEvents(1), { command: newCommand() }),
        ),
      );
      await other.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = 'statewright'`);
      await Promise.all(writing);
      assert.equal(await untilAnswered(() => store.events.head()), 20);
    });
  });
});
