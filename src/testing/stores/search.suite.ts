import assert from 'node:assert/strict';
import { oddTexts } from '../store-fixtures.ts';
import type { StoreCase } from '../store-subject.ts';
import { idsOf, newRow, newRows, openModel, rowId } from './read-model-rows.ts';

export const searchCases: readonly StoreCase[] = [
  {
    name: 'search finds the rows whose text holds the text, in page order',
    async run(context) {
      const { store, name, commit } = await openModel(context);
      await commit({
        upserts: [
          newRow('3', { search: 'ada lovelace ada@example.com' }),
          newRow('1', { search: 'adam smith' }),
          newRow('2', { search: 'grace hopper' }),
          newRow('4', { search: '' }),
        ],
      });
      const found = async (text: string) => idsOf(await store.readModels.search(name, text, 10));
      assert.deepEqual(await found('ada'), ['1', '3']);
      assert.deepEqual(await found('@example'), ['3']);
      assert.deepEqual(await found('hopper'), ['2']);
      assert.deepEqual(await found('nobody'), []);
      assert.deepEqual(await found('ADA'), [], 'the caller folds');
    },
  },
  {
    name: 'search stops at its limit',
    async run(context) {
      const { store, name, commit } = await openModel(context);
      await commit({ upserts: newRows(50, () => ({ search: 'same' })) });
      assert.deepEqual(idsOf(await store.readModels.search(name, 'am', 3)), [rowId(0), rowId(1), rowId(2)]);
      assert.equal((await store.readModels.search(name, 'am', 100)).length, 50);
    },
  },
  {
    name: 'search takes every character for itself: no wildcards, no patterns, no injection',
    async run(context) {
      const { store, name, commit } = await openModel(context);
      const texts = [...oddTexts.filter((odd) => odd !== ' '), 'a.c', 'a%c', 'a_c', 'a\\%c', '^a$', '(', 'ß', 'ﬀ'];
      await commit({
        upserts: [
          newRow('plain', { search: 'abc xyz' }),
          ...texts.map((text) => newRow(text, { search: `<${text}>` })),
        ],
      });
      for (const text of texts) {
        const expected = texts.filter((other) => `<${other}>`.includes(text));
        assert.deepEqual(idsOf(await store.readModels.search(name, text, 100)).sort(), expected.sort(), text);
      }
    },
  },
  {
    name: 'search sees changed texts and no deleted rows',
    async run(context) {
      const { store, name, commit } = await openModel(context);
      await commit({ upserts: [newRow('a', { search: 'before' }), newRow('b', { search: 'before' })] });
      await commit({ upserts: [newRow('a', { search: 'after' })], deletes: ['b'] });
      assert.deepEqual(await store.readModels.search(name, 'before', 10), []);
      assert.deepEqual(idsOf(await store.readModels.search(name, 'after', 10)), ['a']);
    },
  },
  {
    name: 'a search that looks at 100,000 rows never holds the event loop for more than 10 ms',
    large: true,
    async run(context) {
      const { store, name, commit } = await openModel(context);
      const text = 'abcdefghij '.repeat(40);
      for (let at = 0; at < 100_000; at += 1000) {
        const ids = Array.from({ length: 1000 }, (_, more) => rowId(at + more));
        await commit({ upserts: ids.map((id) => newRow(id, { search: `${text}${id}` })) });
      }
      const held: number[] = [];
      // The machine may be busy with something else: the best of five tells what the search itself does.
      for (let attempt = 0; attempt < 5; attempt += 1) {
        const watched = watchEventLoop();
        assert.deepEqual(idsOf(await store.readModels.search(name, 'j row-099999', 5)), [rowId(99_999)]);
        held.push(watched());
      }
      assert.ok(Math.min(...held) <= 10, `held for ${held.map(Math.round).join(', ')} ms`);
    },
  },
];

/** Measures the longest time in ms that no other work had its turn; the function it gives ends that and tells. */
function watchEventLoop(): () => number {
  let longest = 0;
  let last = performance.now();
  let watching = true;
  const tick = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (watching) setImmediate(tick);
  };
  setImmediate(tick);
  return () => {
    watching = false;
    return Math.max(longest, performance.now() - last);
  };
}
