import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { type AnyStateMachine, assign, createMachine, emit, raise } from 'xstate';
import { user } from '../../machines/user.machine.ts';
import { aggregate } from '../../src/kernel/aggregate.ts';
import { faultsOf } from '../../src/kernel/convention.ts';
import { defineAggregate } from '../../src/kernel/decider.ts';
import type { AggregateDefinition } from '../../src/kernel/definition.ts';

const { emits, decides, refuse, moves, define } = aggregate('Door', {
  commands: { Open: Type.Object({}), Shut: Type.Object({}) },
  events: { Opened: Type.Object({}), Closed: Type.Object({}) },
  context: { times: 0 },
});
const opens = emits('Opened', () => ({}));
const shuts = emits('Closed', () => ({}));

const door = define({
  initial: 'shut',
  states: {
    shut: { on: { Open: opens, Opened: moves('open', ({ context }) => ({ times: context.times + 1 })) } },
    open: { on: { Shut: shuts, Closed: moves('shut') } },
  },
});

/** The door with another machine, drawn by hand as XState lets one. */
const drawn = (config: object, implementations: object = {}): AggregateDefinition => ({
  ...door,
  machine: createMachine(
    { id: 'Door', context: { times: 0 }, ...config } as object,
    implementations,
  ) as AnyStateMachine,
});

/** One state that handles everything, but for what is told. */
const state = (on: object, more: object = {}) =>
  drawn({
    initial: 'only',
    states: { only: { on: { Open: opens, Opened: moves(null), Shut: shuts, Closed: moves(null), ...on }, ...more } },
  });

describe('the convention', () => {
  it('holds for a machine made by the helpers', () => {
    expect(faultsOf(door)).toEqual([]);
    expect(faultsOf(user)).toEqual([]);
    expect(faultsOf(state({}))).toEqual([]);
  });

  it.each<[string, AggregateDefinition, string]>([
    [
      'a command moves',
      state({ Open: { ...opens, target: 'only' } }),
      "only on Open: a command emits, it doesn't move",
    ],
    ['a command does nothing', state({ Open: {} }), 'only on Open: it neither emits nor refuses'],
    [
      'a command assigns',
      state({ Open: { actions: assign({}) } }),
      'only on Open: xstate.assign is not one of emits, decides, refuse',
    ],
    [
      'a command emits what can not be seen',
      state({ Open: { actions: emit(() => ({ type: 'Opened' })) } }),
      'only on Open: xstate.emit is not one of emits, decides, refuse',
    ],
    [
      'a command runs a function',
      state({ Open: { actions: () => {} } }),
      'only on Open: the function actions is not one of emits, decides, refuse',
    ],
    [
      'an event emits',
      state({ Opened: { actions: emit({ type: 'Closed' }) } }),
      'only on Opened: xstate.emit is not an assignment, and only a command emits',
    ],
    [
      'an event raises',
      state({ Opened: { actions: raise({ type: 'Closed' }) } }),
      'only on Opened: xstate.raise is not an assignment, and only a command emits',
    ],
    [
      'a name stands for an emit',
      drawnNamed(),
      'only on Opened: xstate.emit is not an assignment, and only a command emits',
    ],
    [
      'a name stands for nothing',
      state({ Opened: { actions: 'note' } }),
      'only on Opened: the action "note", which has no implementation, is not an assignment, and only a command emits',
    ],
    [
      'a guard has no implementation',
      state({ Opened: { guard: 'isNight' } }),
      'only on Opened: the guard "isNight" has no implementation',
    ],
    [
      'entry emits',
      state({}, { entry: emit({ type: 'Opened' }) }),
      'only on entry: xstate.emit is not an assignment, and only a command emits',
    ],
    [
      'exit runs a function',
      state({}, { exit: () => {} }),
      'only on exit: the function exit is not an assignment, and only a command emits',
    ],
    ['it invokes', state({}, { invoke: { src: 'work' } }), "only has `invoke`, which an aggregate can't have"],
    ['it waits', state({}, { after: { 1000: 'only' } }), "only has `after`, which an aggregate can't have"],
    ['it takes wildcards', state({ '*': moves(null) }), 'only on *: wildcards are not for aggregates'],
    [
      'it takes what is not declared',
      state({ Slam: moves(null) }),
      'only on Slam: no command and no event of this name is declared',
    ],
    [
      'a command is handled nowhere',
      drawn({ initial: 'only', states: { only: { on: { Open: opens, Opened: moves(null), Closed: moves(null) } } } }),
      'no state handles Shut',
    ],
    [
      'an event is not handled where it is emitted',
      drawn({
        initial: 'shut',
        states: {
          shut: { on: { Open: opens, Shut: shuts, Opened: moves('open') } },
          open: { on: { Closed: moves('shut') } },
        },
      }),
      'shut on Shut emits Closed, which is not handled there',
    ],
    [
      'a child does not handle what its parent emits',
      drawn({
        initial: 'a',
        states: {
          a: {
            initial: 'in',
            on: { Open: opens, Shut: shuts, Closed: moves(null) },
            states: { in: { on: { Opened: moves('out') } }, out: {} },
          },
        },
      }),
      'a on Open emits Opened, which is not handled there',
    ],
    [
      'parent and child handle one event',
      drawn({
        initial: 'a',
        states: {
          a: {
            initial: 'in',
            on: { Open: opens, Shut: shuts, Opened: moves(null), Closed: moves(null) },
            states: { in: { on: { Opened: moves('in') } } },
          },
        },
      }),
      'a.in and a above it both handle Opened: XState would skip the latter',
    ],
    ['it claims from the start', { ...door, claims: () => ['door:1'] }, 'it claims door:1 before its first event'],
    [
      'a claim has no kind',
      { ...door, claims: () => ['door'] },
      'its start throws: The aggregate threw while deciding; expected a claim of the form kind:value; found "door".',
    ],
    [
      'its context is not JSON',
      drawn({ ...door.machine.config, context: { at: new Date() } }),
      "its start throws: context.at is a Date, which JSON can't hold",
    ],
    [
      'its context forgets a key',
      drawn({ ...door.machine.config, context: { at: undefined } }),
      'the context starts with an undefined value, which JSON forgets: use null',
    ],
    [
      'its context throws',
      drawn({
        ...door.machine.config,
        context: () => {
          throw new Error('no');
        },
      }),
      "it can't start: Error: no",
    ],
    [
      'a name is no word',
      { ...door, name: 'Front.Door' },
      'the name "Front.Door" is not a letter followed by up to 99 letters, digits, _ or -',
    ],
    [
      'a name is command and event',
      { ...door, schemas: { ...door.schemas, events: { ...door.schemas.events, Open: Type.Object({}) } } },
      'Open is both a command and an event',
    ],
    [
      'an event is called Refused',
      { ...door, schemas: { ...door.schemas, events: { ...door.schemas.events, Refused: Type.Object({}) } } },
      'no event may be called Refused',
    ],
    [
      'an upcaster lifts what is not declared',
      { ...door, upcasters: { Slammed: [] } },
      'there are upcasters for Slammed, which is not declared',
    ],
    ['the revision is no number', { ...door, revision: 0.5 }, 'the revision 0.5 is not a whole number from 0'],
    [
      'a final state has an exit',
      state({}, { type: 'final', exit: assign({}) }),
      'only has `exit`: at the end of the machine XState runs it with every message',
    ],
  ])('does not hold when %s', (_, definition, fault) => {
    expect(faultsOf(definition)).toContain(fault);
  });

  it('is proven by defineAggregate, which tells every fault together', () => {
    const broken = state({ Open: { ...opens, target: 'only' }, Slam: moves(null) });
    expect(() => defineAggregate(broken)).toThrowError(
      expect.objectContaining({
        code: 'INVALID_AGGREGATE',
        explanation: expect.objectContaining({
          details: {
            aggregate: 'Door',
            faults: [
              "only on Open: a command emits, it doesn't move",
              'only on Slam: no command and no event of this name is declared',
            ],
          },
        }),
      }),
    );
  });

  it('lets another region handle the event', () => {
    const handler = { on: { Opened: moves(null), Closed: moves(null) } };
    expect(
      faultsOf(
        drawn({ type: 'parallel', states: { decides: { on: { Open: opens, Shut: shuts } }, handles: handler } }),
      ),
    ).toEqual([]);
    const sometimes = { initial: 'a', states: { a: handler, b: {} } };
    expect(
      faultsOf(
        drawn({ type: 'parallel', states: { decides: { on: { Open: opens, Shut: shuts } }, handles: sometimes } }),
      ),
    ).toContain('decides on Open emits Opened, which is not handled there');
  });

  it('lets a child that refuses the command leave the event to its sibling', () => {
    const locked = { on: { Open: refuse('LOCKED', 'The door is locked.') } };
    const free = { on: { Opened: moves('free') } };
    const child = { initial: 'free', on: { Open: opens, Shut: shuts, Closed: moves(null) }, states: { free, locked } };
    expect(faultsOf(drawn({ initial: 'door', states: { door: child } }))).toEqual([]);
  });

  it('lets the first of several events lead to where the second is handled', () => {
    const twice = decides(['Opened', 'Closed'], () => [
      { type: 'Opened', data: {} },
      { type: 'Closed', data: {} },
    ]);
    const machine = drawn({
      initial: 'shut',
      states: {
        shut: { on: { Open: twice, Opened: moves('open') } },
        open: { on: { Shut: shuts, Closed: moves('shut') } },
      },
    });
    expect(faultsOf(machine)).toEqual([]);
  });
});

function drawnNamed(): AggregateDefinition {
  const on = { Open: opens, Opened: { actions: 'note' }, Shut: shuts, Closed: moves(null) };
  return drawn({ initial: 'only', states: { only: { on } } }, { actions: { note: emit({ type: 'Closed' }) } });
}
