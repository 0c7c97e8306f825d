import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createKeyFilter } from '../../../src/adapters/stores/mongodb/key-filter.ts';

test('what it was told of it may have, whatever the key (property)', () => {
  const filter = createKeyFilter();
  filter.isComplete();
  fc.assert(
    fc.property(fc.string(), (key) => {
      filter.add(key);
      return filter.mayHave(key);
    }),
    { numRuns: 1_000 },
  );
});

test('while it does not know all keys it may have any; then it surely has not most others', () => {
  const filter = createKeyFilter();
  for (let n = 0; n < 10_000; n += 1) filter.add(`["User","${n}"]`);
  expect(filter.mayHave('["User","another"]')).toBe(true);
  filter.isComplete();
  const taken = Array.from({ length: 10_000 }, (_, n) => filter.mayHave(`["Order","${n}"]`)).filter(Boolean);
  expect(taken.length).toBeLessThan(10);
});
