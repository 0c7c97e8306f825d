import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createProgress } from '../../../../src/adapters/buses/kafka/progress.ts';

it('has handled all before the first event that is not done, in whatever order they are done', () => {
  const offsets = fc.uniqueArray(fc.nat(1_000), { minLength: 1 }).map((all) => all.toSorted((a, b) => a - b));
  const runs = offsets.chain((all) => fc.record({ all: fc.constant(all), order: fc.shuffledSubarray(all) }));
  fc.assert(
    fc.property(runs, ({ all, order }) => {
      const progress = createProgress(0);
      for (const offset of all) progress.take(offset);
      const open = new Set(all);
      const end = (all.at(-1) ?? 0) + 1;
      expect(progress.next).toBe(end);
      for (const offset of order) {
        progress.done(offset);
        progress.done(offset);
        open.delete(offset);
        expect(progress.handled()).toBe(open.size === 0 ? end : Math.min(...open));
      }
    }),
  );
});

it('begins where it is told to', () => {
  const progress = createProgress(7);
  expect([progress.next, progress.handled()]).toEqual([7, 7]);
  progress.done(3);
  expect(progress.handled()).toBe(7);
});
