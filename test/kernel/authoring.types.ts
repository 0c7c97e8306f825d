/** What must not compile. `tsc` is the test: a line below that compiles is an unused `@ts-expect-error`, an error. */
import { Type } from 'typebox';
import { user } from '../../machines/user.machine.ts';
import { aggregate } from '../../src/kernel/aggregate.ts';
import type { AggregateDefinition, CommandsOf, ContextOf, EventsOf } from '../../src/kernel/definition.ts';

const Person = Type.Object({ email: Type.String(), name: Type.String() });
const { emits, decides, refuse, moves, on, state, define } = aggregate('Sample', {
  commands: { Create: Person, Rename: Type.Object({ name: Type.String() }), Touch: Type.Object({}) },
  events: { Created: Person, Renamed: Type.Object({ name: Type.String(), tags: Type.Array(Person) }) },
  context: { email: '', name: '', tags: [] as string[], at: null as string | null },
  claims: ({ email }) => (email ? [`email:${email}`] : []),
});

// ─── What compiles, so that the errors below mean something ───
const refused = refuse('NO', 'No.');
const pieces = on({
  Touch: refused,
  Rename: [
    refuse('SAME_NAME', 'It has this name already.', ({ data, context }) => data.name === context.name),
    decides(['Renamed', 'Created'], ({ data, context, id }) =>
      data.name === id
        ? { code: 'NO', because: 'No.' }
        : [
            { type: 'Renamed', data: { name: data.name, tags: [] } },
            { type: 'Created', data: { email: context.email, name: data.name } },
          ],
    ),
  ],
  Renamed: moves(null, ({ data, context }) => ({ name: data.name, tags: [...context.tags, data.name] })),
});
const shut = state({ type: 'final', on: { Touch: refused } });
const sample = define({
  initial: 'open',
  states: {
    open: {
      initial: 'calm',
      states: { calm: { on: pieces }, loud: {} },
      on: { Create: emits('Created', ({ data }) => data), Created: moves('shut', ({ data }) => data) },
    },
    shut,
  },
});
export const asAny: AggregateDefinition = sample;

// ─── The data of an event ───
// @ts-expect-error a field of the wrong type
on({ Create: emits('Created', ({ data }) => ({ ...data, email: 1 })) });
// @ts-expect-error a missing field
on({ Create: emits('Created', ({ data }) => ({ email: data.email })) });
// @ts-expect-error an extra field
on({ Create: emits('Created', ({ data }) => ({ ...data, extra: true })) });
// @ts-expect-error an extra field further down
on({ Rename: emits('Renamed', ({ data }) => ({ ...data, tags: [{ email: '', name: '', extra: true }] })) });
// @ts-expect-error a field that the command doesn't have
on({ Rename: emits('Created', ({ data }) => ({ email: data.email, name: data.name })) });
// @ts-expect-error the data of another event, decided
on({ Create: decides('Renamed', ({ data }) => ({ type: 'Renamed', data })) });
// @ts-expect-error an extra field, decided
on({ Create: decides('Created', ({ data }) => ({ type: 'Created', data: { ...data, extra: true } })) });
// @ts-expect-error an event that was not announced
on({ Create: decides('Renamed', ({ data }) => ({ type: 'Created', data })) });

// ─── The context ───
// @ts-expect-error a key of the wrong type
on({ Created: moves('shut', () => ({ name: 1 })) });
// @ts-expect-error an extra key
on({ Created: moves('shut', ({ data }) => ({ ...data, extra: true })) });
on({
  Created: moves('shut', ({ context }) => {
    // @ts-expect-error the context is not changed in place
    context.name = 'x';
    // @ts-expect-error nor is what is in it
    context.tags.push('x');
    return {};
  }),
});
on({
  Touch: refuse('NO', 'No.', ({ context }) => {
    // @ts-expect-error a guard doesn't change it either
    context.name = 'x';
    return true;
  }),
});

// ─── Names ───
// @ts-expect-error no such command or event
on({ Destroy: refused });
// @ts-expect-error no such command or event, in a machine
define({ initial: 'open', states: { open: { on: { Destroy: refused } } } });
// @ts-expect-error no such event to emit
on({ Create: emits('Destroyed', ({ data }) => data) });
// @ts-expect-error no such event to decide
on({ Create: decides('Destroyed', () => []) });

// ─── The convention ───
// @ts-expect-error a command doesn't move
on({ Create: moves('shut') });
// @ts-expect-error a command doesn't move, in a machine
define({ initial: 'open', states: { open: { on: { Create: moves('open') } } } });
// @ts-expect-error an event doesn't emit
on({ Created: emits('Created', ({ context }) => ({ email: context.email, name: '' })) });
// @ts-expect-error an event is not refused
define({ initial: 'open', states: { open: { on: { Created: refused } } } });
// @ts-expect-error an aggregate waits for nothing
define({ initial: 'open', states: { open: { after: { 1000: 'open' } } } });
// @ts-expect-error an aggregate invokes nothing, also not further down
define({ initial: 'open', states: { open: { initial: 'in', states: { in: { invoke: { src: 'work' } } } } } });

// ─── Who uses it ───
type Snapshot = ReturnType<typeof user.machine.resolveState>;
export function matching(snapshot: Snapshot): boolean {
  // @ts-expect-error no such state
  if (snapshot.matches('asleep')) return false;
  // @ts-expect-error no such state in `active`
  if (snapshot.matches({ active: 'asleep' })) return false;
  return snapshot.matches('inactive') || snapshot.matches({ active: 'verified' });
}

declare function send<Definition extends AggregateDefinition, Type extends keyof CommandsOf<Definition> & string>(
  to: Definition,
  id: string,
  type: Type,
  data: CommandsOf<Definition>[Type],
): EventsOf<Definition>;
export function sending(): ContextOf<typeof user>['email'] {
  send(user, '1', 'VerifyEmail', {});
  send(user, '1', 'CreateUser', { email: 'ada@example.org', firstName: 'Ada', lastName: 'Lovelace' });
  // @ts-expect-error a missing field
  send(user, '1', 'CreateUser', { email: 'ada@example.org', firstName: 'Ada' });
  // @ts-expect-error a field of the wrong type
  send(user, '1', 'DeactivateUser', { reason: 1 });
  // @ts-expect-error a field that it doesn't have
  send(user, '1', 'DeactivateUser', { reason: 'left', extra: true });
  // @ts-expect-error a field where there is none
  send(user, '1', 'VerifyEmail', { extra: true });
  // @ts-expect-error no such command
  send(user, '1', 'DestroyUser', {});
  return send(user, '1', 'VerifyEmail', {}).UserCreated.email;
}
