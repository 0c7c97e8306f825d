import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { order } from '../../machines/order.machine.ts';
import { user } from '../../machines/user.machine.ts';
import { aggregate } from '../../src/kernel/aggregate.ts';
import { type AggregateState, defineAggregate } from '../../src/kernel/decider.ts';
import type { GivenCommand } from '../../src/kernel/definition.ts';
import type { CommandId, DomainEvent } from '../../src/kernel/message.ts';

const meta = {
  occurredAt: '2026-01-01T00:00:00.000Z',
  commandId: 'command-1' as CommandId,
  correlationId: 'correlation-1',
  causationId: 'elsewhere',
  source: 'test',
  schema: 1,
};
const command = (type: string, data: unknown = {}): GivenCommand => ({ type, data, meta, aggregateId: 'a-1' });
const event = (type: string, data: unknown = {}, schema = 1): DomainEvent => ({
  type,
  data,
  meta: { ...meta, schema },
});

const users = defineAggregate(user);
const ada = { email: 'Ada@Example.org', firstName: 'Ada', lastName: 'Lovelace' };
const created = users.evolve(users.initial, event('UserCreated', ada));

/** An aggregate whose one command does what the test wants. */
function deciding(
  decide: (data: {
    how: string;
  }) => { type: 'Done'; data: { how: string } } | { type: 'Done'; data: { how: string } }[],
  fold = (how: string) => how,
) {
  const How = Type.Object({ how: Type.String({ maxLength: 10 }) });
  const { decides, moves, define } = aggregate('Sample', {
    commands: { Do: How },
    events: { Done: How },
    context: { how: '' },
  });
  const on = {
    Do: decides('Done', ({ data }) => decide(data)),
    Done: moves(null, ({ data }) => ({ how: fold(data.how) })),
  };
  return defineAggregate(define({ initial: 'only', states: { only: { on } } }));
}

describe('decide', () => {
  it('accepts with events whose metadata says what caused them', () => {
    const decision = users.decide(users.initial, command('CreateUser', ada), 0);
    expect(decision).toMatchObject({
      kind: 'accepted',
      events: [{ type: 'UserCreated', data: ada, meta: { ...meta, causationId: 'command-1', schema: 1 } }],
    });
    if (decision.kind === 'accepted') expect(users.describe(decision.next)).toEqual(users.describe(created));
  });

  it('refuses what no transition takes: as unknown before the first event, by the state after it', () => {
    expect(users.decide(users.initial, command('VerifyEmail'), 0)).toEqual({
      kind: 'refused',
      code: 'NOT_FOUND',
      because: 'There is no such User.',
    });
    const { define, emits, moves } = aggregate('Lamp', {
      commands: { TurnOn: Type.Object({}), TurnOff: Type.Object({}) },
      events: { TurnedOn: Type.Object({}), TurnedOff: Type.Object({}) },
      context: {},
    });
    const lamp = defineAggregate(
      define({
        initial: 'off',
        states: {
          off: { on: { TurnOn: emits('TurnedOn', () => ({})), TurnedOn: moves('on') } },
          on: { on: { TurnOff: emits('TurnedOff', () => ({})), TurnedOff: moves('off') } },
        },
      }),
    );
    expect(lamp.decide(lamp.initial, command('TurnOff'), 4)).toEqual({
      kind: 'refused',
      code: 'NOT_ACCEPTED',
      because: 'Lamp is off, which accepts TurnOn.',
    });
  });

  it('takes a transition that decides nothing for a refusal', () => {
    const sample = deciding(() => []);
    expect(sample.decide(sample.initial, command('Do', { how: 'not' }), 1)).toMatchObject({ code: 'NOT_ACCEPTED' });
  });

  it('decides several events in order, each folded before the next', () => {
    const sample = deciding(({ how }) => [
      { type: 'Done', data: { how } },
      { type: 'Done', data: { how: `${how}!` } },
    ]);
    const decision = sample.decide(sample.initial, command('Do', { how: 'well' }), 0);
    expect(decision.kind === 'accepted' && decision.events.map(({ data }) => data)).toEqual([
      { how: 'well' },
      { how: 'well!' },
    ]);
    expect(decision.kind === 'accepted' && sample.describe(decision.next).context).toEqual({ how: 'well!' });
  });

  it('never lets an undeclared type reach the interpreter', () => {
    for (const type of ['xstate.stop', 'xstate.error.actor.x', '*', 'UserCreated', '__proto__']) {
      expect(() => users.decide(created, command(type), 1)).toThrowError(
        expect.objectContaining({ code: 'UNKNOWN_COMMAND' }),
      );
    }
    for (const type of ['xstate.stop', 'CreateUser', 'constructor']) {
      expect(() => users.evolve(created, event(type))).toThrowError(expect.objectContaining({ code: 'NEWER_EVENT' }));
    }
    expect(users.describe(created).status).toBe('active');
  });

  it('fails the command when deciding throws, whatever was thrown', () => {
    const boom = new Error('boom');
    const sample = deciding(() => {
      throw boom;
    });
    expect(() => sample.decide(sample.initial, command('Do', { how: '' }), 0)).toThrowError(
      expect.objectContaining({ code: 'DECIDE_FAILED', cause: boom }),
    );
    expect(sample.describe(sample.initial).context).toEqual({ how: '' });
  });

  it('fails the command when an event does not fit its schema, is not JSON, or folds badly', () => {
    const long = deciding(({ how }) => ({ type: 'Done', data: { how: how.repeat(10) } }));
    expect(() => long.decide(long.initial, command('Do', { how: 'long' }), 0)).toThrowError(
      expect.objectContaining({ code: 'INVALID_EVENT' }),
    );
    const half = deciding(({ how }) => ({ type: 'Done', data: { how: how.slice(0, 1) } }));
    expect(() => half.decide(half.initial, command('Do', { how: '😀' }), 0)).toThrowError(
      expect.objectContaining({ code: 'INVALID_EVENT' }),
    );
    const badly = deciding(
      ({ how }) => ({ type: 'Done', data: { how } }),
      () => {
        throw new Error('boom');
      },
    );
    expect(() => badly.decide(badly.initial, command('Do', { how: '' }), 0)).toThrowError(
      expect.objectContaining({ code: 'EVENT_NOT_FOLDABLE' }),
    );
  });

  it('fails the command when it decides more than 1,000 events', () => {
    const many = (count: number) =>
      deciding(({ how }) => Array.from({ length: count }, () => ({ type: 'Done' as const, data: { how } })));
    expect(many(1000).decide(many(1000).initial, command('Do', { how: '' }), 0).kind).toBe('accepted');
    expect(() => many(1001).decide(many(1001).initial, command('Do', { how: '' }), 0)).toThrowError(
      expect.objectContaining({ code: 'DECIDE_FAILED' }),
    );
  });

  it('gives events that share nothing with the command', () => {
    const data = { ...ada };
    const decision = users.decide(users.initial, command('CreateUser', data), 0);
    data.email = 'changed@example.org';
    expect(decision.kind === 'accepted' && decision.events[0]?.data).toEqual(ada);
  });
});

describe('parallel regions', () => {
  const { emits, refuse, moves, define } = aggregate('Safe', {
    commands: { Open: Type.Object({}), Arm: Type.Object({}), Turn: Type.Object({}) },
    events: { Opened: Type.Object({}), Logged: Type.Object({}), Armed: Type.Object({}), Turned: Type.Object({}) },
    context: {},
  });
  const safe = defineAggregate(
    define({
      type: 'parallel',
      states: {
        door: {
          initial: 'front',
          states: {
            front: { on: { Turn: emits('Turned', () => ({})), Turned: moves('back') } },
            back: {},
          },
          on: { Open: emits('Opened', () => ({})), Opened: moves(null) },
        },
        log: { on: { Open: emits('Logged', () => ({})), Logged: moves(null) } },
        alarm: {
          initial: 'off',
          states: {
            off: { on: { Arm: emits('Armed', () => ({})), Armed: moves('armed') } },
            armed: { on: { Open: refuse('ARMED', 'The alarm is armed.') } },
          },
        },
      },
    }),
  );
  const typesOf = (state: AggregateState) => {
    const decision = safe.decide(state, command('Open'), 1);
    return decision.kind === 'accepted' ? decision.events.map(({ type }) => type) : decision.code;
  };

  it('append what each of them emits, in the order of the machine', () => {
    expect(typesOf(safe.initial)).toEqual(['Opened', 'Logged']);
  });

  it('keep that order after a region moved and after a store reordered the keys', () => {
    const turned = safe.evolve(safe.initial, event('Turned'));
    expect(typesOf(turned)).toEqual(['Opened', 'Logged']);
    const { value, context } = safe.persist(turned) as { value: Record<string, string>; context: object };
    const reordered = Object.fromEntries(Object.entries(value).reverse());
    const restored = safe.restore({ value: reordered, context } as never);
    expect(typesOf(restored)).toEqual(['Opened', 'Logged']);
    expect(JSON.stringify(safe.persist(restored))).toBe(JSON.stringify(safe.persist(turned)));
  });

  it('refuse when any of them does', () => {
    expect(typesOf(safe.evolve(safe.initial, event('Armed')))).toBe('ARMED');
  });
});

describe('evolve', () => {
  it('fails where no state takes the event', () => {
    expect(() => users.evolve(users.initial, event('EmailVerified'))).toThrowError(
      expect.objectContaining({ code: 'EVENT_NOT_FOLDABLE' }),
    );
  });

  it('lifts older data, and tells newer data from unknown data', () => {
    const { emits, moves, define } = aggregate('Name', {
      commands: { Tell: Type.Object({ full: Type.String() }) },
      events: { Told: Type.Object({ full: Type.String() }) },
      context: { full: '' },
      upcasters: {
        Told: [
          (data) => ({ first: (data as { name: string }).name, last: 'Unknown' }),
          (data) => ({ full: Object.values(data as object).join(' ') }),
        ],
      },
    });
    const on = { Tell: emits('Told', ({ data }) => data), Told: moves(null, ({ data }) => data) };
    const name = defineAggregate(define({ initial: 'only', states: { only: { on } } }));

    expect(name.schemaVersion('Told')).toBe(3);
    expect(name.describe(name.evolve(name.initial, event('Told', { name: 'Ada' }, 1))).context).toEqual({
      full: 'Ada Unknown',
    });
    expect(name.describe(name.evolve(name.initial, event('Told', { first: 'A', last: 'B' }, 2))).context).toEqual({
      full: 'A B',
    });
    expect(name.upcast(event('Told', { name: 'Ada' }, 1))).toEqual(event('Told', { full: 'Ada Unknown' }, 3));
    const today = event('Told', { full: 'x' }, 3);
    expect(name.upcast(today)).toBe(today);
    expect(() => name.evolve(name.initial, event('Told', {}, 4))).toThrowError(
      expect.objectContaining({ code: 'NEWER_EVENT' }),
    );
    expect(() => name.upcast(event('Told', null, 2))).toThrowError(
      expect.objectContaining({ code: 'EVENT_NOT_FOLDABLE' }),
    );
    const decision = name.decide(name.initial, command('Tell', { full: 'x' }), 0);
    expect(decision.kind === 'accepted' && decision.events[0]?.meta.schema).toBe(3);
  });
});

describe('a persisted state', () => {
  it('comes back exactly', () => {
    const persisted = JSON.parse(JSON.stringify(users.persist(created)));
    expect(persisted).toEqual({ value: { active: 'unverified' }, context: ada });
    expect(users.describe(users.restore(persisted))).toEqual(users.describe(created));
    expect(users.legal(users.restore(persisted), 1)).toEqual(users.legal(created, 1));
  });

  it.each([
    [{ value: 'asleep', context: ada }],
    [{ value: { active: 'asleep' }, context: ada }],
    [{ value: 'active', context: ada }],
    [{ value: {}, context: ada }],
    [null],
  ])('is refused when the machine has no such state: %j', (persisted) => {
    expect(() => users.restore(persisted)).toThrowError(expect.objectContaining({ code: 'EVENT_NOT_FOLDABLE' }));
  });
});

describe('parseCommand', () => {
  const faultsOf = (data: unknown, type = 'CreateUser') => {
    try {
      return users.parseCommand(type, data);
    } catch (error) {
      return error;
    }
  };

  it('gives a copy of what fits', () => {
    expect(faultsOf(ada)).toEqual(ada);
    expect(faultsOf(ada)).not.toBe(ada);
  });

  it('tells every path, what was expected there and what was found', () => {
    expect(faultsOf({ email: 'ada', firstName: '', admin: true })).toMatchObject({
      code: 'INVALID_COMMAND',
      explanation: {
        details: {
          misfits: [
            { path: 'data.lastName', expected: 'a value', found: 'nothing' },
            { path: 'data.admin', expected: 'no such field', found: 'true' },
            { path: 'data.email', expected: 'text that matches ^ *[^\\s@]+@[^\\s@]+ *$', found: '"ada"' },
            { path: 'data.firstName', expected: 'at least 1 characters', found: '""' },
          ],
        },
      },
    });
  });

  it('names the commands there are', () => {
    expect(faultsOf({}, 'DestroyUser')).toMatchObject({
      code: 'UNKNOWN_COMMAND',
      message: expect.stringContaining('VerifyEmail'),
    });
    expect(faultsOf({}, 'toString')).toMatchObject({ code: 'UNKNOWN_COMMAND' });
  });

  it.each([[new Date()], [Number.NaN], [() => {}], [Symbol('x')], [1n], [new Map()]])(
    'takes JSON only: %o',
    (email) => {
      expect(faultsOf({ ...ada, email })).toMatchObject({
        code: 'INVALID_COMMAND',
        explanation: { found: expect.stringContaining('data.email') },
      });
    },
  );
});

describe('claims', () => {
  it('are normalised, and refused in the words of the author', () => {
    expect(users.claims(created)).toEqual(['email:ada@example.org']);
    expect(users.claims(users.initial)).toEqual([]);
    expect(users.claimRefusal('email:ada@example.org')).toEqual({
      code: 'EMAIL_TAKEN',
      because: 'Another user has this email.',
    });
    expect(users.claimRefusal('constructor:x')).toEqual({
      code: 'CLAIMED',
      because: 'Another User has this constructor.',
    });
  });
});

describe('legal', () => {
  const orders = defineAggregate(order);

  it('tells what is accepted, refused and why, and what depends on the command', () => {
    expect(users.legal(created, 1).map(({ type, verdict }) => `${type} ${verdict}`)).toEqual([
      'CreateUser refused',
      'VerifyEmail accepted',
      'UpdateUserProfile accepted',
      'DeactivateUser accepted',
    ]);
    expect(users.legal(created, 1)[0]).toMatchObject({ code: 'USER_EXISTS', because: 'The user exists already.' });
    expect(orders.legal(orders.initial, 0).map(({ verdict }) => verdict)).toEqual([
      'depends-on-data',
      'refused',
      'refused',
      'refused',
    ]);
    expect(orders.legal(orders.initial, 0)[1]).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('evaluates guards that look at the context alone', () => {
    const { emits, refuse, moves, define } = aggregate('Counter', {
      commands: { Add: Type.Object({}) },
      events: { Added: Type.Object({}) },
      context: { count: 0 },
    });
    const on = {
      Add: [refuse('FULL', 'It is full.', ({ context }) => context.count >= 1), emits('Added', () => ({}))],
      Added: moves(null, ({ context }) => ({ count: context.count + 1 })),
    };
    const counter = defineAggregate(define({ initial: 'only', states: { only: { on } } }));
    expect(counter.legal(counter.initial, 0)).toEqual([{ type: 'Add', verdict: 'accepted' }]);
    const full = counter.evolve(counter.initial, event('Added'));
    expect(counter.legal(full, 1)).toEqual([{ type: 'Add', verdict: 'refused', code: 'FULL', because: 'It is full.' }]);
  });
});

describe('legal, of a guard that catches what it meets', () => {
  const { emits, refuse, moves, on, define } = aggregate('Catcher', {
    commands: { Try: Type.Object({ no: Type.Boolean() }) },
    events: { Tried: Type.Object({}) },
    context: {},
  });
  const tries = on({
    Try: [
      refuse('NO', 'No.', ({ data }) => {
        try {
          return data.no;
        } catch {
          return true;
        }
      }),
      emits('Tried', () => ({})),
    ],
    Tried: moves(null),
  });
  const catcher = defineAggregate(define({ initial: 'only', states: { only: { on: tries } } }));

  it('notices all the same that it looked at the command', () => {
    expect(catcher.legal(catcher.initial, 1)).toEqual([{ type: 'Try', verdict: 'depends-on-data' }]);
  });
});

describe('the hash', () => {
  const hashOf = (more: { revision?: number; target?: string; maxLength?: number; greet?: string }) => {
    const { emits, moves, define } = aggregate('Greeter', {
      commands: { Greet: Type.Object({}) },
      events: { Greeted: Type.Object({ text: Type.String({ maxLength: more.maxLength ?? 10 }) }) },
      context: {},
      revision: more.revision ?? 1,
    });
    const on = {
      Greet: emits('Greeted', () => ({ text: more.greet ?? 'hello' })),
      Greeted: moves(more.target ?? null),
    };
    return defineAggregate(define({ initial: 'a', states: { a: { on }, b: {} } })).hash;
  };

  it('is of structure, schemas and revision, not of functions', () => {
    const hash = hashOf({});
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(hashOf({ greet: 'good day' })).toBe(hash);
    expect(hashOf({ revision: 2 })).not.toBe(hash);
    expect(hashOf({ target: 'b' })).not.toBe(hash);
    expect(hashOf({ maxLength: 20 })).not.toBe(hash);
  });
});
