import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'vitest';
import { sqliteStore } from '../../src/adapters/stores/sqlite/sqlite.ts';
import { append, collect, newEvent } from '../../src/testing/store-fixtures.ts';
import { rawCommitsPerSecond } from './raw-sqlite.ts';

test.for(['better-sqlite3', 'node:sqlite'] as const)(
  'the raw ceiling by %s writes what the store would have written: it reads it and goes on',
  async (driver) => {
    const directory = await mkdtemp(join(tmpdir(), 'statewright-raw-'));
    const file = join(directory, 'raw.db');
    try {
      assert.ok(rawCommitsPerSecond({ commands: 137, batch: 10, file, driver }) > 0);
      const store = sqliteStore({ file });
      const log = await collect(store.events.readAll());
      assert.deepEqual(
        log.map(({ position }) => position),
        Array.from({ length: 137 }, (_, at) => at + 1),
      );
      for (const [id, own] of Map.groupBy(log, ({ stream }) => stream.id)) {
        const stream = { type: 'User', id };
        const last = own.at(-1);
        assert.deepEqual(
          own.map(({ version }) => version),
          own.map((_, at) => at + 1),
        );
        assert.deepEqual(await store.events.streamHead(stream), { version: last?.version, eventId: last?.id });
        const claim = `email:${id}@example.org`;
        assert.deepEqual((await store.events.claimHolders([claim])).get(claim), stream);
      }
      assert.equal((await append(store, { type: 'User', id: 'user-1' }, 5, [newEvent()])).kind, 'committed');
      await store.close();
    } finally {
      await rm(directory, { recursive: true });
    }
  },
);
