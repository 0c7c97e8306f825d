import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'vitest';
import { createSortedList } from '../../../../src/adapters/stores/memory/sorted-list.ts';

interface Key {
  readonly key: number;
}

interface Item extends Key {
  readonly value: number;
}

const newList = () => createSortedList<Key, Item>((a, b) => a.key - b.key);

const change = fc.record({ key: fc.nat(3000), value: fc.nat(), isDelete: fc.boolean() });

test('holds the same items, in the same order, as a sorted array after any changes', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 4000, size: 'max' }), fc.nat(3000), (changes, from) => {
      const list = newList();
      const model = new Map<number, Item>();
      for (const { key, value, isDelete } of changes) {
        if (isDelete) list.delete({ key });
        else list.insert({ key, value });
        if (isDelete) model.delete(key);
        else model.set(key, { key, value });
      }
      const expected = [...model.values()].toSorted((a, b) => a.key - b.key);
      assert.deepEqual(list.all().toArray(), expected);
      assert.equal(list.size(), expected.length);
      assert.deepEqual(list.find({ key: from }), model.get(from));
      assert.deepEqual(
        list.after({ key: from }).toArray(),
        expected.filter(({ key }) => key > from),
      );
    }),
    { numRuns: 30 },
  );
});

test.each([
  ['ascending', (at: number) => at],
  ['descending', (at: number) => -at],
  ['scattered', (at: number) => (at * 7919) % 10_007],
])('takes 10,000 %s items and gives them in order, all of them and from any place', (_, keyOf) => {
  const list = newList();
  const keys = Array.from({ length: 10_000 }, (_, at) => keyOf(at));
  for (const key of keys) list.insert({ key, value: key });
  keys.sort((a, b) => a - b);
  assert.deepEqual(
    list
      .all()
      .map(({ key }) => key)
      .toArray(),
    keys,
  );
  for (const place of [0, 511, 512, 513, 9_999]) {
    const [next] = list
      .after({ key: keys[place] ?? 0 })
      .take(1)
      .toArray();
    assert.equal(next?.key, keys[place + 1]);
  }
  for (const key of keys) list.delete({ key });
  assert.equal(list.size(), 0);
  assert.deepEqual(list.all().toArray(), []);
});
