import { expect, it } from 'vitest';
import { partitionOf, streamKey } from '../../../src/adapters/buses/partition.ts';

it('keeps the partitions that events on a broker have already', () => {
  const ids = ['1', '2', 'a/b', 'ä', '019a8f3e-1111-7aaa-8bbb-0123456789ab'];
  expect(ids.map((id) => partitionOf({ type: 'User', id }, 16))).toMatchInlineSnapshot(`
    [
      12,
      15,
      13,
      1,
      0,
    ]
  `);
});

it('spreads ids that differ in one digit', () => {
  const counts = new Array<number>(16).fill(0);
  for (let id = 0; id < 16_000; id++) {
    const at = partitionOf({ type: 'User', id: String(id) }, counts.length);
    counts[at] = (counts[at] ?? 0) + 1;
  }
  expect(Math.min(...counts)).toBeGreaterThan(800);
  expect(Math.max(...counts)).toBeLessThan(1_200);
});

it('tells streams apart whose type and id joined are the same', () => {
  expect(streamKey({ type: 'a', id: 'b/c' })).not.toBe(streamKey({ type: 'a/b', id: 'c' }));
});
