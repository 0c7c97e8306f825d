import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { postgresqlStore } from '../../../src/adapters/stores/postgresql/postgresql.ts';
import type { Store } from '../../../src/ports/store.ts';
import { collect, commit, newEvent, newEvents } from '../../../src/testing/store-fixtures.ts';
import { newRows } from '../../../src/testing/stores/read-model-rows.ts';
import { describeWithServer } from '../../servers/environment.ts';
import { onServer } from './postgresql.subject.ts';

const storeModule = new URL('../../../src/adapters/stores/postgresql/postgresql.ts', import.meta.url).href;
const fixturesModule = new URL('../../../src/testing/store-fixtures.ts', import.meta.url).href;
const account = { type: 'Account', id: 'shared' };

describeWithServer('TEST_POSTGRESQL_URL', 'postgresql: processes', (url) => {
  let namespace: string;
  const opened: Store[] = [];

  const open = async () => {
    const store = await postgresqlStore({ url, namespace, maxConnections: 5 });
    opened.push(store);
    return store;
  };

  beforeEach(() => {
    namespace = `test-${randomUUID()}`;
  });

  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close();
    await onServer(url, `DROP SCHEMA IF EXISTS "${namespace}" CASCADE`);
  });

  test('ten make one schema at once and each of them appends', async () => {
    const stores = await Promise.all(Array.from({ length: 10 }, open));
    await Promise.all(stores.map((store, at) => commit(store, { type: 'Account', id: `${at}` }, 'none')));
    assert.equal(await stores[0]?.events.head(), 10);
  });

  test('four processes make one schema at once and race on one stream: no gap, no repeat, nothing lost', async () => {
    const appends = 50;
    const script = `
      const { postgresqlStore } = await import('${storeModule}');
      const { append, newEvent } = await import('${fixturesModule}');
      const store = await postgresqlStore({ url: process.argv[1], namespace: process.argv[2] });
      const stream = ${JSON.stringify(account)};
      for (let done = 0; done < ${appends}; ) {
        const { version } = await store.events.streamHead(stream);
        const { kind } = await append(store, stream, version, [newEvent('By' + process.pid), newEvent('By' + process.pid)]);
        if (kind === 'committed') done += 1;
      }
      await store.close();
    `;
    const run = () =>
      promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script, '--', url, namespace]);
    await Promise.all(Array.from({ length: 4 }, run));
    const log = await collect((await open()).events.readAll());
    const dense = Array.from({ length: 4 * appends * 2 }, (_, at) => at + 1);
    assert.deepEqual(
      log.map(({ position }) => position),
      dense,
    );
    assert.deepEqual(
      log.map(({ version }) => version),
      dense,
    );
    const times = log.map(({ recordedAt }) => recordedAt);
    assert.deepEqual(times, times.toSorted());
    // Both events of an append by one process stand side by side.
    for (let at = 0; at < log.length; at += 2) assert.equal(log[at]?.type, log[at + 1]?.type);
    const byProcess = Map.groupBy(log, ({ type }) => type);
    assert.deepEqual(
      [...byProcess.values()].map(({ length }) => length),
      [appends * 2, appends * 2, appends * 2, appends * 2],
    );
  });

  test('a watcher is woken by what another instance appends', async () => {
    const [watched, other] = [await open(), await open()];
    let woken = Promise.withResolvers<void>();
    const end = watched.events.watch(() => woken.resolve());
    // It wakes once by itself when it listens.
    await woken.promise;
    for (let version = 0; version < 3; version += 1) {
      woken = Promise.withResolvers();
      await commit(other, account, version);
      await woken.promise;
    }
    end();
  });

  test('what a process was deleting of a dropped generation when it died, the next one deletes', async () => {
    const store = await open();
    const fence = { lease: 'rows', token: 0 };
    const generation = await store.readModels.open({ name: 'rows', hash: 'hash' }, fence);
    const upserts = newRows(3000, () => ({ index: { kind: 'odd' } }));
    await generation.commit({ upserts, deletes: [], checkpoint: { position: 1 }, fence });
    await store.close();
    await onServer(url, `UPDATE "${namespace}".generations SET state = 'dropped'`);
    await open();
    await expect
      .poll(
        () =>
          onServer(
            url,
            `SELECT (SELECT count(*) FROM "${namespace}".read_model_rows)
        + (SELECT count(*) FROM "${namespace}".read_model_index)
        + (SELECT count(*) FROM "${namespace}".generations) AS count`,
          ),
        { timeout: 20_000 },
      )
      .toEqual([{ count: '0' }]);
  });

  test('the history stands in plain words in the view log', async () => {
    const event = newEvent('Happened', { amount: 1 }, { userId: 'ada' });
    const store = await open();
    const { recordedAt } = await commit(store, account, 'none', [event, ...newEvents(2)]);
    const [row] = await onServer(
      url,
      `SELECT *, meta::json ->> 'userId' AS by FROM "${namespace}".log ORDER BY position`,
    );
    assert.deepEqual(row, {
      position: '1',
      stream_type: 'Account',
      stream_id: 'shared',
      version: 1,
      type: 'Happened',
      id: event.id,
      data: '{"amount":1}',
      meta: JSON.stringify(event.meta),
      correlation_id: event.meta.correlationId,
      recorded_at: new Date(recordedAt),
      by: 'ada',
    });
  });
});
