import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { memoryStore } from '../../src/adapters/stores/memory/memory.ts';
import { failure } from '../../src/kernel/errors.ts';
import type { EventStore } from '../../src/ports/event-store.ts';
import { readBatches } from '../../src/runtime/log-batches.ts';
import { commit, newEvents } from '../../src/testing/store-fixtures.ts';

async function logOf(count: number): Promise<EventStore> {
  const store = memoryStore();
  await commit(store, { type: 'Account', id: 'a' }, 'any', newEvents(count));
  return store.events;
}

const signal = new AbortController().signal;

test('gives the log in order, from behind a position up to one', async () => {
  const events = await logOf(25);
  const batches = await Array.fromAsync(readBatches(events, { after: 3, to: 20, size: 7, signal }));
  expect(batches.map((batch) => batch.map(({ position }) => position))).toEqual([
    [4, 5, 6, 7, 8, 9, 10],
    [11, 12, 13, 14, 15, 16, 17],
    [18, 19, 20],
  ]);
});

test('a batch read ahead that fails is told when its turn comes, and is nobody’s before', async () => {
  const whole = await logOf(10);
  const events: Pick<EventStore, 'readAll'> = {
    async *readAll(filter) {
      if (filter?.after !== 0) throw failure('STORE_UNAVAILABLE');
      yield* whole.readAll(filter);
    },
  };
  const read: number[] = [];
  const reading = (async () => {
    for await (const batch of readBatches(events, { after: 0, size: 5, signal })) {
      // Longer than the batch ahead takes to fail: an unhandled rejection would end the process.
      for (let turn = 0; turn < 5; turn += 1) await nextTurn();
      read.push(batch.length);
    }
  })();
  await expect(reading).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  expect(read).toEqual([5]);
});

test('ends when the signal aborts', async () => {
  const events = await logOf(20);
  const stopping = new AbortController();
  const read: number[] = [];
  for await (const batch of readBatches(events, { after: 0, size: 5, signal: stopping.signal })) {
    read.push(batch.length);
    if (read.length === 2) stopping.abort();
  }
  expect(read).toEqual([5, 5]);
});
