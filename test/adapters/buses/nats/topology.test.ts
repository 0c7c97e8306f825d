import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createTopology } from '../../../../src/adapters/buses/nats/topology.ts';
import { matchesPattern } from '../../../../src/ports/event-bus.ts';
import { recorded } from '../../../../src/testing/bus-fixtures.ts';

const topology = createTopology('test');
const part = fc.constantFrom('*', 'User', 'Order', 'Made', 'Sold');
const patterns = fc.array(
  fc.tuple(part, part).map((parts) => parts.join('.')),
  { minLength: 1, maxLength: 6 },
);
const ids = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });

/** As the server compares. */
const fits = (filter: string, subject: string) => {
  const [left, right] = [filter.split('.'), subject.split('.')];
  return left.length === right.length && left.every((token, at) => token === '*' || token === right[at]);
};

it('publishes any id as one token of a subject, different ids as different ones', () => {
  fc.assert(
    fc.property(ids, ids, (one, other) => {
      const [subject, another] = [one, other].map((id) => topology.subject(recorded({ type: 'User', id })));
      expect(subject).toMatch(/^test\.events\.User\.Happened\.[^\s.*>]+$/);
      expect(subject === another).toBe(one === other);
    }),
  );
});

it('fetches with its filters what its patterns match, and no filter is part of another', () => {
  fc.assert(
    fc.property(patterns, fc.constantFrom('User', 'Order'), fc.constantFrom('Made', 'Sold'), (wanted, type, event) => {
      const filters = topology.filters(wanted, 7);
      const subject = `${topology.subject(recorded({ type, id: 'one' }, 1, {}, event))}.7`;
      const matches = wanted.some((pattern) => matchesPattern(pattern, type, event));
      expect(filters.some((filter) => fits(filter, subject))).toBe(matches);
      expect(topology.filters(wanted, 'all').some((filter) => fits(filter, subject))).toBe(matches);
      for (const [at, filter] of filters.entries())
        expect(filters.filter((other, place) => place !== at && fits(filter, other))).toEqual([]);
    }),
  );
});

it('finds slice and epoch in the names of its own group alone', () => {
  expect(topology.parseConsumer('one', topology.consumer('one', 'all', 12))).toEqual({ slice: 'all', epoch: 12 });
  expect(topology.parseConsumer('a.b c', topology.consumer('a.b c', 3, 4))).toEqual({ slice: 3, epoch: 4 });
  expect(topology.parseConsumer('one', topology.consumer('one_1', 2, 3))).toBeUndefined();
  expect(topology.parseConsumer('one', 'mine')).toBeUndefined();
});

it('takes no namespace that cannot begin the name of a stream', () => {
  for (const namespace of ['', 'a.b', 'a b', 'a*', 'ä', 'x'.repeat(65)])
    expect(() => createTopology(namespace)).toThrow(expect.objectContaining({ code: 'INVALID_CONFIGURATION' }));
});
