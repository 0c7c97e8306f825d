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
    name: 'a search that looks at 100,000 rows lets other work have its turn, again and again',
    large: true,
    async run(context) {
      const { store, name, commit } = await openModel(context);
      const text = 'abcdefghij '.repeat(40);
      for (let at = 0; at < 100_000; at += 1000) {
        const ids = Array.from({ length: 1000 }, (_, more) => rowId(at + more));
        await commit({ upserts: ids.map((id) => newRow(id, { search: `${text}${id}` })) });
      }
      // Turns are counted, not milliseconds: how long one takes is the machine's affair, and the bench's.
      const turns = countTurns();
      assert.deepEqual(idsOf(await store.readModels.search(name, 'j row-099999', 5)), [rowId(99_999)]);
      const had = turns();
      assert.ok(had >= 4, `other work had ${had} turns`);
    },
  },
];

/** Counts the turns that other work has; the function it gives ends that and tells. */
function countTurns(): () => number {
  let turns = 0;
  let counting = true;
  const tick = () => {
    turns += 1;
    if (counting) setImmediate(tick);
  };
  setImmediate(tick);
  return () => {
    counting = false;
    return turns;
  };
}
