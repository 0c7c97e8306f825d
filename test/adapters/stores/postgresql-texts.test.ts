import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, test } from 'vitest';
import { memoryStore } from '../../../src/adapters/stores/memory/memory.ts';
import { postgresqlStore } from '../../../src/adapters/stores/postgresql/postgresql.ts';
import type { Store } from '../../../src/ports/store.ts';
import { append, collect, commit, newCommand, newEvent, oddTexts } from '../../../src/testing/store-fixtures.ts';
import { assertSameLog, moveLog } from '../../../src/testing/stores/move-log.ts';
import { allPages, idsOf, newRow } from '../../../src/testing/stores/read-model-rows.ts';
import { describeWithServer } from '../../servers/environment.ts';
import { onServer } from './postgresql.subject.ts';

const fence = { lease: 'rows', token: 1 };

/** What PostgreSQL can't hold as it is: U+0000, halves of surrogate pairs, more than an index takes. */
const unholdable = ['a\u0000b', 'a\ufffdb', 'half \ud83e', 'half \ufffd', 'x'.repeat(5000), `${'x'.repeat(5000)}y`];
const texts = [...unholdable, ...oddTexts];

describeWithServer('TEST_POSTGRESQL_URL', 'postgresql: texts that PostgreSQL cannot hold or index', (url) => {
  let namespace: string;
  let store: Store;

  beforeEach(async () => {
    namespace = `odd "name" ${randomUUID()}`.slice(0, 60);
    store = await postgresqlStore({ url, namespace });
  });

  afterEach(async () => {
    await store.close();
    await onServer(url, `DROP SCHEMA "${namespace.replaceAll('"', '""')}" CASCADE`);
  });

  test('are claims like others, told apart, and moved to another store as they are', async () => {
    for (const [at, text] of texts.entries()) {
      await commit(store, { type: 'Account', id: `${at}` }, 'none', [newEvent()], {
        take: [text],
        command: newCommand(),
      });
    }
    const other = { type: 'Account', id: 'other' };
    for (const [at, claim] of texts.entries()) {
      const outcome = await append(store, other, 'none', [newEvent()], { take: [claim] });
      assert.deepEqual(outcome, { kind: 'claimed', claim, by: { type: 'Account', id: `${at}` } });
    }
    assert.deepEqual([...(await store.events.claimHolders(texts)).keys()].sort(), texts.toSorted());
    const moved = memoryStore();
    await moveLog(store, moved);
    await assertSameLog(moved, store);
    assert.deepEqual([...(await moved.events.claimHolders(texts)).keys()].sort(), texts.toSorted());
  });

  test('are correlation ids and data like others', async () => {
    const events = texts.map((text) =>
      newEvent('Said', { [text]: text }, { correlationId: text, userId: text, source: text }),
    );
    await commit(store, { type: 'Account', id: 'a' }, 'none', events);
    for (const [at, correlationId] of texts.entries()) {
      const found = await collect(store.events.readAll({ correlationId }));
      assert.deepEqual(
        found.map(({ version, data, meta }) => [version, data, meta]),
        [[at + 1, events[at]?.data, events[at]?.meta]],
      );
    }
  });

  test('are rows, orders, index values, searched and totalled texts like others', async () => {
    const generation = await store.readModels.open({ name: 'rows', hash: 'hash' }, fence);
    const rows = texts.map((text, at) =>
      newRow(text, {
        order: `${at % 3}${text}`,
        index: { [text]: text },
        search: text,
        value: { text },
        totals: { [`t${at}`]: 1 },
      }),
    );
    await generation.commit({ upserts: rows, deletes: [], checkpoint: { position: 1 }, fence });
    assert.deepEqual(new Map(await generation.load(texts)), new Map(rows.map((row) => [row.id, row])));
    assert.equal((await allPages(store, 'rows', { limit: 5 })).length, texts.length);
    for (const [at, text] of texts.entries()) {
      assert.deepEqual(await store.readModels.get('rows', text), rows[at]);
      const where = { index: text, value: text };
      assert.deepEqual(idsOf((await store.readModels.page('rows', { limit: 9, where })).rows), [text]);
      assert.ok(idsOf(await store.readModels.search('rows', text, 100)).includes(text));
    }
    await generation.commit({ upserts: [], deletes: texts, checkpoint: { position: 2 }, fence });
    assert.equal((await store.readModels.page('rows', { limit: 5 })).rows.length, 0);
    assert.ok(Object.values(await store.readModels.totals('rows')).every((amount) => amount === 0));
  });

  test('are names of leases, checkpoints, subscriptions and read models like others', async () => {
    for (const [at, name] of texts.entries()) {
      const { record } = await store.leases.take(name, 'me', { token: 0, beat: 0 });
      assert.equal(record.token, 1, name);
      await store.checkpoints.save(name, { position: at + 1 }, { lease: name, token: 1 });
      const [from] = await store.cursors.load(name, [{ type: 'Account', id: 'a' }]);
      assert.ok(from);
      const [moved] = await store.cursors.advance([{ from, version: at + 1, state: { kind: 'live' } }]);
      assert.equal(moved?.moved, true, name);
      await store.readModels.open({ name, hash: `${at}` }, fence);
    }
    for (const [at, name] of texts.entries()) {
      assert.equal((await store.checkpoints.load(name))?.position, at + 1);
      const [cursor] = await store.cursors.load(name, [{ type: 'Account', id: 'a' }]);
      assert.deepEqual([cursor?.subscription, cursor?.version], [name, at + 1]);
      assert.equal((await store.readModels.status(name))?.live.hash, `${at}`);
    }
  });
});
