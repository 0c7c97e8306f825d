import fc from 'fast-check';
import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { aggregate } from '../../src/kernel/aggregate.ts';
import type { AggregateDefinition } from '../../src/kernel/definition.ts';
import { aggregateLaws } from '../../src/testing/property-kit.ts';

const { emits, decides, refuse, moves, on, define } = aggregate('Counter', {
  commands: { Add: Type.Object({ by: Type.Integer({ minimum: 1, maximum: 9 }) }), Reset: Type.Object({}) },
  events: { Added: Type.Object({ by: Type.Number() }), ResetDone: Type.Object({}) },
  context: { total: 0, label: null as string | null, log: [] as readonly number[] },
});
const adds = on({ Add: emits('Added', ({ data }) => data) });
const added = moves(null, ({ context, data }) => ({ total: context.total + data.by }));
const reset = emits('ResetDone', () => ({}));
const resetDone = moves(null, () => ({ total: 0 }));

/** One state that keeps every law, but for what is told. */
const counter = (on: object): AggregateDefinition =>
  define({
    initial: 'only',
    states: { only: { on: { ...adds, Added: added, Reset: reset, ResetDone: resetDone, ...on } } },
  });

const broken = (definition: AggregateDefinition, options = {}) =>
  aggregateLaws(fc, definition, { runs: 50, seed: 1, ...options })
    .filter(({ run }) => {
      try {
        run();
        return false;
      } catch {
        return true;
      }
    })
    .map(({ name }) => name);

describe('the property kit', () => {
  it('finds nothing in an aggregate that keeps the laws', () => {
    expect(broken(counter({}))).toEqual([]);
  });

  let calls = 0;
  it.each<[string, AggregateDefinition, string]>([
    [
      'decides by something else than what it is given',
      counter({ Add: emits('Added', () => ({ by: ++calls })) }),
      'decides the same again, and changes nothing',
    ],
    [
      'folds by something else than the event',
      counter({ Added: moves(null, () => ({ total: ++calls })) }),
      'replays its history to the state it was in',
    ],
    [
      'remembers what JSON forgets',
      counter({ Added: moves(null, () => ({ label: undefined as unknown as string })) }),
      'gives the same from a snapshot and the tail, cut anywhere',
    ],
    [
      'changes the context in place',
      counter({ Added: moves(null, ({ context }) => ({ log: Object.assign(context, { log: [1] }).log })) }),
      'replays its history to the state it was in',
    ],
    [
      'refuses without a word',
      counter({ Add: refuse('NO', '') }),
      'accepts with one event at least, or refuses with a code and a sentence',
    ],
    [
      'emits what does not fit',
      counter({ Add: emits('Added', () => ({ by: Number.NaN })) }),
      'emits what fits its schema and comes back from JSON',
    ],
    [
      'emits what is not handled then',
      counter({ Added: moves(null, undefined, ({ data }) => data.by < 9) }),
      'emits what fits its schema and comes back from JSON',
    ],
    ['has a state that nothing leads to', unreachable(), 'reaches every state and every transition'],
    [
      'has a guard that never holds',
      counter({ Add: [refuse('NO', 'No.', ({ data }) => data.by > 9), adds.Add] }),
      'reaches every state and every transition',
    ],
    [
      'claims what is no claim',
      { ...counter({}), claims: ({ total }: { total: number }) => (total > 20 ? ['many'] : []) },
      'claims normalised texts, each once',
    ],
  ])('finds one that %s', (_, definition, law) => {
    expect(broken(definition)).toContain(law);
  });

  it('names what it did not reach, and lets it pass when told', () => {
    const definition = counter({ Add: [refuse('NO', 'No.', ({ data }) => data.by > 9), adds.Add] });
    const law = aggregateLaws(fc, definition, { runs: 50 }).at(-1);
    expect(() => law?.run()).toThrow('Counter: not reached in 1000 paths: only on Add (1 of 2)');
    expect(broken(definition, { unreachable: ['only on Add (1 of 2)'] })).toEqual([]);
  });

  it('takes generators in place of those from the schema', () => {
    const needle = on({
      Add: [
        decides(
          'Added',
          ({ data }) => ({ type: 'Added', data }),
          ({ data }) => data.by === 7,
        ),
        refuse('NO', 'No.'),
      ],
    });
    const definition = counter(needle);
    const seven = fc.record({ by: fc.constantFrom(7, 8) });
    expect(broken(definition, { commands: { Add: seven }, runs: 5, maxCommands: 8 })).toEqual([]);
  });
});

function unreachable(): AggregateDefinition {
  return define({
    initial: 'only',
    states: { only: { on: { ...adds, Added: added, Reset: reset, ResetDone: resetDone } }, lost: {} },
  });
}
