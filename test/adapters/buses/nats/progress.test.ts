import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createProgress } from '../../../../src/adapters/buses/nats/progress.ts';

/** Deliveries in order, with repeats, and what of it is finished, in any order. */
const steps = fc.array(fc.record({ back: fc.integer({ min: 0, max: 5 }), finishes: fc.boolean() }), { maxLength: 200 });

it('has everything up to the floor handled, tells the rest, and takes nothing as new twice', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 0, max: 50 }), (all, floor) => {
      const progress = createProgress(floor);
      const taken = new Set<number>();
      const finished = new Set<number>();
      let next = floor;
      for (const { back, finishes } of all) {
        // Sequences have holes: other partitions' events.
        if (back === 0) next += 2;
        const sequence = next - back;
        const known = progress.take(sequence);
        if (sequence <= floor || finished.has(sequence)) expect(known).toBe('handled');
        else if (back !== 0) expect(taken.has(sequence) ? known : 'held').toBe('held');
        else expect(known).toBe('new');
        if (known === 'new') taken.add(sequence);
        const held = [...taken].filter((one) => !finished.has(one));
        const one = held[back % Math.max(1, held.length)];
        if (finishes && one !== undefined) {
          progress.finish(one);
          finished.add(one);
        }
        const open = [...taken].filter((each) => !finished.has(each));
        for (const each of open) expect(each).toBeGreaterThan(progress.floor);
        const told = [...finished].filter((each) => each > progress.floor).toSorted((a, b) => a - b);
        expect(progress.handled()).toEqual(told);
        if (open.length === 0 && taken.size > 0) expect(progress.floor).toBe(Math.max(...taken));
      }
    }),
  );
});

it('goes on where another stopped: what was handled above its floor is not new', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 11, max: 60 })), (handled) => {
      const progress = createProgress(10, handled);
      for (let sequence = 11; sequence <= 60; sequence++)
        expect(progress.take(sequence)).toBe(handled.includes(sequence) ? 'handled' : 'new');
      for (let sequence = 11; sequence <= 60; sequence++) progress.finish(sequence);
      expect(progress.floor).toBe(60);
      expect(progress.handled()).toEqual([]);
    }),
  );
});
