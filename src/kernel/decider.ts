import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { kindOf, normaliseClaims } from './claims.ts';
import { fingerprint, upcast } from './codec.ts';
import { faultsOf } from './convention.ts';
import type { AggregateDefinition, GivenCommand } from './definition.ts';
import { type ErrorCode, failure } from './errors.ts';
import { type LegalCommand, legalCommands, notAccepted } from './legal.ts';
import type { DomainEvent, Json, Refused } from './message.ts';
import { createParser } from './parser.ts';
import { advance, initial, persist, restore, stateName, structure } from './statechart.ts';
import { REFUSED } from './transitions.ts';

export type { LegalCommand } from './legal.ts';

declare const opaque: unique symbol;

/** Where an aggregate is and what it knows: immutable, opaque, shared freely. */
export interface AggregateState {
  readonly [opaque]: 'AggregateState';
}

/** An event decided, with the metadata that it was folded with. */
export type DecidedEvent = DomainEvent<string, Json>;

/** What a decision gives. */
export type Decision =
  | {
      readonly kind: 'accepted';
      /** One at least, all folded into `next`. */
      readonly events: readonly DecidedEvent[];
      readonly next: AggregateState;
    }
  | ({ readonly kind: 'refused' } & Refused);

/** An aggregate type, proven: pure functions over its states. */
export interface Aggregate {
  readonly definition: AggregateDefinition;
  readonly name: string;
  /** Of structure, schemas and revision, not of the text of functions: what snapshots are keyed by. */
  readonly hash: string;
  /** Before the first event. */
  readonly initial: AggregateState;
  /** Decides a command whose data was parsed. Pure.
   * @param version the stream's version that `state` stands at.
   * @throws DECIDE_FAILED, INVALID_EVENT, EVENT_NOT_FOLDABLE: the author's mistake, which fails this command alone. */
  decide(state: AggregateState, command: GivenCommand, version: number): Decision;
  /** The state after an event of any known schema. Pure.
   * @throws NEWER_EVENT for a type or schema that this code doesn't know; EVENT_NOT_FOLDABLE when the state doesn't take it. */
  evolve(state: AggregateState, event: DomainEvent): AggregateState;
  /** What an aggregate in this state holds: normalised, each once, sorted. */
  claims(state: AggregateState): readonly string[];
  /** What a command is told whose claim another aggregate holds. */
  claimRefusal(claim: string): Refused;
  /** The state as JSON; `restore` gives it back exactly. */
  persist(state: AggregateState): Json;
  /** @throws EVENT_NOT_FOLDABLE when the machine has no such state. */
  restore(persisted: Json): AggregateState;
  describe(state: AggregateState): Described;
  /** Every command with its verdict, in the order declared; claims are not looked at. */
  legal(state: AggregateState, version: number): readonly LegalCommand[];
  /** A copy of the data, fit to be decided.
   * @throws UNKNOWN_COMMAND, INVALID_COMMAND. */
  parseCommand(type: string, data: unknown): Json;
  /** A copy of the data, as a store gives it back.
   * @throws INVALID_EVENT. */
  encodeEvent(type: string, data: unknown): Json;
  /** Today's schema of an event type, from 1. */
  schemaVersion(eventType: string): number;
  /** The event as today's code would have written it; the same object when it is so already.
   * @throws NEWER_EVENT. */
  upcast<Event extends DomainEvent>(event: Event): Event;
}

/** A state for people: `state` is XState's state value. */
export interface Described {
  readonly state: Json;
  readonly context: Json;
  readonly status: 'active' | 'done';
}

/** Proves the convention and gives the aggregate type's pure functions.
 * @throws INVALID_AGGREGATE with everything that breaks the convention. */
export function defineAggregate(definition: AggregateDefinition): Aggregate {
  const { name, machine, schemas } = definition;
  const faults = faultsOf(definition);
  if (faults.length > 0) {
    throw failure('INVALID_AGGREGATE', {
      expected: `${name} to keep the convention: commands only emit, events only move`,
      found: faults.join('; '),
      details: { aggregate: name, faults },
    });
  }
  const commandTypes = Object.keys(schemas.commands);
  const unknownCommand = (type: string) =>
    failure('UNKNOWN_COMMAND', { expected: `a command of ${name}: ${commandTypes.join(', ')}`, found: type });
  const commands = createParser(name, schemas.commands, 'INVALID_COMMAND', unknownCommand);
  const events = createParser(name, schemas.events, 'INVALID_EVENT', (type) =>
    failure('INVALID_EVENT', { expected: `an event that ${name} declares`, found: type }),
  );
  const upcastersOf = (type: string) => ownValue(definition.upcasters, type) ?? [];

  const upcastEvent = <Event extends DomainEvent>(event: Event): Event => {
    if (events.knows(event.type)) return upcast(event, upcastersOf(event.type));
    throw failure('NEWER_EVENT', { expected: `an event that ${name} knows`, found: event.type });
  };

  const fold = (snapshot: AnyMachineSnapshot, event: DomainEvent): AnyMachineSnapshot => {
    const details = { aggregate: name, event: event.type, state: snapshot.value };
    const { next, emitted, taken } = attempt('EVENT_NOT_FOLDABLE', details, () => advance(machine, snapshot, event));
    if (taken.length > 0 && emitted.length === 0) return next;
    throw failure('EVENT_NOT_FOLDABLE', {
      expected: taken.length > 0 ? `${event.type} to emit nothing` : `${name} to take ${event.type}`,
      found: taken.length > 0 ? `it emitted ${emitted[0]?.type}` : `the state ${stateName(snapshot)}, which does not`,
      details,
    });
  };

  const decide = (snapshot: AnyMachineSnapshot, command: GivenCommand, version: number): Decision => {
    // An undeclared type must not reach the interpreter: `xstate.stop` would stop the snapshot.
    if (!commands.knows(command.type)) throw unknownCommand(command.type);
    const emitted = deciding(machine, snapshot, command);
    const refusal = emitted.find(isRefusal);
    if (refusal !== undefined) return { kind: 'refused', code: refusal.code, because: refusal.because };
    if (emitted.length === 0) return { kind: 'refused', ...notAccepted(snapshot, commandTypes, version) };
    let next = snapshot;
    const decided = emitted.map((draft) => {
      const { type, data } = draft as Draft;
      const schema = upcastersOf(type).length + 1;
      const meta = { ...command.meta, causationId: command.meta.commandId, schema };
      const event = { type, data: events.parse(type, data), meta };
      next = fold(next, event);
      return event;
    });
    return { kind: 'accepted', events: decided, next: stateOf(next) };
  };

  return {
    definition,
    name,
    hash: fingerprint(identity(definition)),
    initial: stateOf(initial(machine)),
    decide: (state, command, version) => decide(snapshotOf(state), command, version),
    evolve: (state, event) => stateOf(fold(snapshotOf(state), upcastEvent(event))),
    claims: (state) => normaliseClaims(definition.claims(snapshotOf(state).context)),
    claimRefusal(claim) {
      const kind = kindOf(claim);
      const [code, because] = ownValue(definition.claimed, kind) ?? ['CLAIMED', `Another ${name} has this ${kind}.`];
      return { code, because };
    },
    persist: (state) => persist(snapshotOf(state)),
    restore: (persisted) =>
      stateOf(attempt('EVENT_NOT_FOLDABLE', { aggregate: name }, () => restore(machine, persisted))),
    describe(state) {
      const { value, context, status } = snapshotOf(state);
      return { state: value as Json, context: context as Json, status: status === 'done' ? 'done' : 'active' };
    },
    legal: (state, version) => legalCommands(snapshotOf(state), commandTypes, version),
    parseCommand: commands.parse,
    encodeEvent: events.parse,
    schemaVersion: (type) => upcastersOf(type).length + 1,
    upcast: upcastEvent,
  };
}

type Draft = { readonly type: string; readonly data: unknown };

const MAX_EVENTS = 1000;

const stateOf = (snapshot: AnyMachineSnapshot) => snapshot as unknown as AggregateState;
const snapshotOf = (state: AggregateState) => state as unknown as AnyMachineSnapshot;

/** Never what every object inherits, whatever the key. */
const ownValue = <Value>(map: Readonly<Record<string, Value>>, key: string) =>
  Object.hasOwn(map, key) ? map[key] : undefined;

const isRefusal = (emitted: { readonly type: string }): emitted is { readonly type: string } & Refused =>
  emitted.type === REFUSED;

/** Runs the command through the machine, which must not change by it. */
function deciding(machine: AnyStateMachine, snapshot: AnyMachineSnapshot, command: GivenCommand) {
  const details = { aggregate: machine.id, command: command.type };
  const { next, emitted } = attempt('DECIDE_FAILED', details, () => advance(machine, snapshot, command));
  if (next !== snapshot)
    throw failure('DECIDE_FAILED', { expected: 'an event to change the state', found: `${command.type} did`, details });
  if (emitted.length <= MAX_EVENTS) return emitted;
  throw failure('DECIDE_FAILED', { expected: `${MAX_EVENTS} events at most`, found: `${emitted.length}`, details });
}

/** Whatever the author's code throws is this failure, also an error of ours. */
function attempt<Result>(code: ErrorCode, details: Readonly<Record<string, unknown>>, run: () => Result): Result {
  try {
    return run();
  } catch (cause) {
    throw failure(code, { found: cause instanceof Error ? cause.message : String(cause), details, cause });
  }
}

/** What of a definition decides whether its snapshots can be used. */
function identity({ name, machine, schemas, upcasters, revision }: AggregateDefinition): Json {
  const lifts = Object.entries(upcasters).map(([type, each]) => [type, each.length]);
  return {
    name,
    revision,
    structure: structure(machine),
    schemas: JSON.parse(JSON.stringify(schemas)) as Json,
    upcasters: Object.fromEntries(lifts),
  };
}
