import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { afterEach, beforeEach, test } from 'vitest';
import { postgresqlStore } from '../../../src/adapters/stores/postgresql/postgresql.ts';
import type { Store } from '../../../src/ports/store.ts';
import { append, collect, commit, newEvent } from '../../../src/testing/store-fixtures.ts';
import { describeWithServer } from '../../servers/environment.ts';
import { onServer } from './postgresql.subject.ts';

const account = { type: 'Account', id: 'a' };

describeWithServer('TEST_POSTGRESQL_URL', 'postgresql: reading', (url) => {
  const endings: (() => unknown)[] = [];
  let namespace: string;

  const open = async (address = url): Promise<Store> => {
    const store = await postgresqlStore({ url: address, namespace });
    endings.push(() => store.close());
    return store;
  };

  /** A way to the server that counts what comes from it. */
  const counted = async () => {
    const { hostname, port } = new URL(url);
    let bytes = 0;
    const proxy = createServer((client) => {
      const upstream = connect(Number(port), hostname);
      client.pipe(upstream).pipe(client);
      upstream.on('data', (data) => {
        bytes += data.length;
      });
      for (const socket of [client, upstream]) socket.on('error', () => {});
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    endings.push(() => proxy.close());
    const address = new URL(url);
    address.host = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    return { url: address.href, bytes: () => bytes };
  };

  beforeEach(() => {
    namespace = `test-${randomUUID()}`;
  });

  afterEach(async () => {
    for (const end of endings.splice(0).reverse()) await end();
    await onServer(url, `DROP SCHEMA IF EXISTS "${namespace}" CASCADE`);
  });

  test('large events come in slices of bounded size, all of them, in order, both ways', async () => {
    const sizes = [10, 900_000, 900_000, 900_000, 10, 3_000_000, 10, 900_000, 10, 10];
    const store = await open();
    for (const size of sizes) await commit(store, account, 'any', [newEvent('Sized', 'x'.repeat(size))]);
    const read = async (events: AsyncIterable<{ readonly data: unknown }>) =>
      (await collect(events)).map(({ data }) => String(data).length);
    const { readAll, readStream } = store.events;
    assert.deepEqual(await read(readStream(account)), sizes);
    assert.deepEqual(await read(readStream(account, { backwards: true })), sizes.toReversed());
    assert.deepEqual(await read(readStream(account, { limit: 5 })), sizes.slice(0, 5));
    assert.deepEqual(await read(readAll()), sizes);
    assert.deepEqual(await read(readAll({ limit: 7 })), sizes.slice(0, 7));
    assert.deepEqual(await read(readAll({ types: ['Sized'] })), sizes);
    assert.deepEqual(await read(readAll({ pattern: 'Account.*', after: 2, to: 8 })), sizes.slice(2, 8));
  });

  test('who reads the first of many large events does not get them all from the server', async () => {
    const store = await open();
    const data = 'x'.repeat(1_000_000);
    for (let version = 0; version < 20; version += 5) {
      await commit(
        store,
        account,
        version,
        Array.from({ length: 5 }, () => newEvent('Large', data)),
      );
    }
    const way = await counted();
    const reader = await open(way.url);
    for (const read of [() => reader.events.readStream(account), () => reader.events.readAll({ types: ['Large'] })]) {
      const before = way.bytes();
      for await (const _ of read()) break;
      assert.ok(way.bytes() - before < 5_000_000, `${way.bytes() - before} bytes`);
    }
  });

  test('more types than are merged are found in the log all the same, wherever a slice of positions ends', async () => {
    const store = await open();
    const types = Array.from({ length: 40 }, (_, at) => `Type${at}`);
    for (let round = 0; round < 6; round += 1) {
      const events = Array.from({ length: 1000 }, (_, at) =>
        newEvent(at % 500 === 499 ? types[round] : `Type${at % 40}`),
      );
      await commit(store, account, round * 1000, events);
    }
    const wanted = ['Type3', 'Type17'];
    const found = await collect(store.events.readAll({ types: wanted }));
    const expected = (await collect(store.events.readAll())).filter(({ type }) => wanted.includes(type));
    assert.deepEqual(found, expected);
    const rest = await collect(store.events.readAll({ types: wanted, after: 4990, to: 5990 }));
    assert.deepEqual(
      rest,
      expected.filter(({ position }) => position > 4990 && position <= 5990),
    );
    assert.deepEqual(await collect(store.events.readAll({ types: wanted, limit: 3 })), expected.slice(0, 3));
    assert.deepEqual(await collect(store.events.readAll({ types: ['Nothing'] })), []);
  });

  test('a batch beyond what one message takes is refused whole, and its entries fit alone', async () => {
    const store = await open();
    const entry = (id: string) => ({
      stream: { type: 'Account', id },
      expected: 'none' as const,
      events: Array.from({ length: 7 }, () => newEvent('Large', 'x'.repeat(15_000_000))),
    });
    const entries = [entry('a'), entry('b')];
    await assert.rejects(store.events.append(entries), { code: 'EVENT_TOO_LARGE' });
    assert.equal(await store.events.head(), 0);
    for (const { stream, expected, events } of entries) {
      assert.equal((await append(store, stream, expected, events)).kind, 'committed');
    }
    assert.equal(await store.events.head(), 14);
  });
});
