import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { createKeyFilter } from '../../../../src/adapters/stores/mongodb/key-filter.ts';

const keys = (prefix: string, count: number) => Array.from({ length: count }, (_, at) => `["${prefix}","id-${at}"]`);

describe('the filter of keys', () => {
  test('may have every key until it is told of all', () => {
    const filter = createKeyFilter();
    assert.ok(filter.mayHave('["User","unknown"]'));
    filter.isComplete();
    assert.ok(!filter.mayHave('["User","unknown"]'));
  });

  test('never denies a key that it was told of, whatever the key (property)', () => {
    const filter = createKeyFilter();
    filter.isComplete();
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (key) => {
        filter.add(key);
        return filter.mayHave(key);
      }),
      { numRuns: 1000 },
    );
  });

  test('never denies one of many keys that it was told of, and denies nearly all others', () => {
    const filter = createKeyFilter();
    filter.isComplete();
    const known = [...keys('User', 100_000), '', '[]', '🦉', '\u0000'];
    for (const key of known) filter.add(key);
    assert.deepEqual(
      known.filter((key) => !filter.mayHave(key)),
      [],
    );
    const taken = keys('Order', 100_000).filter((key) => filter.mayHave(key));
    assert.ok(taken.length < 50, `${taken.length} of 100,000 new keys were taken for old ones`);
  });
});
