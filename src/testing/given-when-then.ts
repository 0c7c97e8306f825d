import { deepStrictEqual, equal, fail } from 'node:assert/strict';
import { type Aggregate, type Decision, defineAggregate } from '../kernel/decider.ts';
import type { AggregateDefinition, CommandsOf, EventsOf } from '../kernel/definition.ts';
import type { CommandId, Json, Metadata } from '../kernel/message.ts';

type Message<Map> = { [Type in keyof Map & string]: { readonly type: Type; readonly data: Map[Type] } }[keyof Map &
  string];

/** What happened before: then a command may come. */
export interface Given<Definition extends AggregateDefinition> {
  /** @param about the aggregate's id (default `given`) and metadata, such as `occurredAt`, other than the defaults. */
  when<Type extends keyof CommandsOf<Definition> & string>(
    type: Type,
    data: CommandsOf<Definition>[Type],
    about?: Partial<Metadata> & { readonly id?: string },
  ): Outcome<Definition>;
  /** Where the events led. */
  thenState(state: Json, context?: Readonly<Record<string, unknown>>): Given<Definition>;
}

/** What came of the command; each check throws an AssertionError, or gives the outcome for the next check. */
export interface Outcome<Definition extends AggregateDefinition> {
  readonly decision: Decision;
  /** Exactly these events, in this order. */
  thenEmits(...events: readonly Message<EventsOf<Definition>>[]): Outcome<Definition>;
  thenRefuses(code: string): Outcome<Definition>;
  /** The state value, and the keys of the context that are told. */
  thenState(state: Json, context?: Readonly<Record<string, unknown>>): Outcome<Definition>;
  /** What the aggregate holds, normalised. */
  thenClaims(...claims: readonly string[]): Outcome<Definition>;
}

/** Tells a test as a story, without a store: `given(user, [created]).when('VerifyEmail', {}).thenEmits(verified)`.
 * Times are 2026-01-01T00:00:00.000Z unless told otherwise. */
export function given<Definition extends AggregateDefinition>(
  definition: Definition,
  history: readonly Message<EventsOf<Definition>>[] = [],
): Given<Definition> {
  const aggregate = defineAggregate(definition);
  const before = history.reduce((state, { type, data }) => {
    const meta = { ...METADATA, schema: aggregate.schemaVersion(type) };
    return aggregate.evolve(state, { type, data: aggregate.encodeEvent(type, data), meta });
  }, aggregate.initial);
  const story: Given<Definition> = {
    when(type, data, { id = 'given', ...meta } = {}) {
      const parsed = aggregate.parseCommand(type, data);
      const command = { type, data: parsed, meta: { ...METADATA, ...meta }, aggregateId: id };
      const decision = aggregate.decide(before, command, history.length);
      return outcomeOf(aggregate, decision, decision.kind === 'accepted' ? decision.next : before);
    },
    thenState(state, context) {
      checkState(aggregate, before, state, context);
      return story;
    },
  };
  return story;
}

const METADATA: Metadata = {
  occurredAt: '2026-01-01T00:00:00.000Z',
  commandId: 'command' as CommandId,
  correlationId: 'correlation',
  causationId: 'command',
  source: 'test',
  schema: 1,
};

function outcomeOf<Definition extends AggregateDefinition>(
  aggregate: Aggregate,
  decision: Decision,
  after: Aggregate['initial'],
): Outcome<Definition> {
  const outcome: Outcome<Definition> = {
    decision,
    thenEmits(...events) {
      if (decision.kind === 'refused') fail(`refused with ${decision.code}: ${decision.because}`);
      deepStrictEqual(
        decision.events.map(({ type, data }) => ({ type, data })),
        events,
      );
      return outcome;
    },
    thenRefuses(code) {
      if (decision.kind === 'accepted') fail(`accepted with ${decision.events.map(({ type }) => type).join(', ')}`);
      equal(decision.code, code, decision.because);
      return outcome;
    },
    thenState(state, context) {
      checkState(aggregate, after, state, context);
      return outcome;
    },
    thenClaims(...claims) {
      deepStrictEqual(aggregate.claims(after), claims);
      return outcome;
    },
  };
  return outcome;
}

function checkState(
  aggregate: Aggregate,
  at: Aggregate['initial'],
  state: Json,
  context: Readonly<Record<string, unknown>> = {},
) {
  const described = aggregate.describe(at);
  deepStrictEqual(described.state, state);
  for (const [key, value] of Object.entries(context)) {
    deepStrictEqual((described.context as Record<string, Json>)[key], value, `context.${key}`);
  }
}
