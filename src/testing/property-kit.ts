import { deepStrictEqual, equal, fail, throws } from 'node:assert/strict';
import type { Arbitrary } from 'fast-check';
import { type Aggregate, type AggregateState, type Decision, defineAggregate } from '../kernel/decider.ts';
import type { AggregateDefinition, GivenCommand } from '../kernel/definition.ts';
import { isFailure } from '../kernel/errors.ts';
import type { CommandId, DomainEvent, Json } from '../kernel/message.ts';
import { coverageOf, everythingOf, type Step } from './machine-coverage.ts';
import { type FastCheck, schemaArbitrary } from './schema-arbitrary.ts';

/** What an author may tell the kit. */
export interface KitOptions {
  /** Generators of command data in place of those from the schema, by command type: they must fit the schema. */
  readonly commands?: Readonly<Record<string, Arbitrary<Json>>>;
  /** How often each command is tried, by type. Default: 1. Make the fatal ones rare, so that paths get deep. */
  readonly weights?: Readonly<Record<string, number>>;
  /** Paths tried for each law. Default: 200. */
  readonly runs?: number;
  /** The most commands on a path. Default: 30. */
  readonly maxCommands?: number;
  /** Makes the paths the same each time. */
  readonly seed?: number;
  /** What the coverage law lets pass unreached, as it names it. */
  readonly unreachable?: readonly string[];
}

/** One law: `run` throws when the aggregate breaks it, with the shortest path that fast-check found. */
export interface Law {
  readonly name: string;
  run(): void;
}

/** What every aggregate must obey, tried on generated paths: commands from the schemas, sent one after another.
 * Runs in any test runner: `for (const law of aggregateLaws(fc, user)) test(law.name, law.run)`. */
export function aggregateLaws(
  fc: FastCheck,
  definition: AggregateDefinition,
  options: KitOptions = {},
): readonly Law[] {
  const aggregate = defineAggregate(definition);
  const paths = pathsOf(fc, definition, options);
  const settings = { numRuns: options.runs ?? 200, ...(options.seed === undefined ? {} : { seed: options.seed }) };
  const onPaths = (name: string, check: (walked: Walk) => void): Law => ({
    name,
    run: () =>
      fc.assert(
        fc.property(paths, (path) => check(walk(aggregate, path))),
        settings,
      ),
  });
  const onSteps = (name: string, check: (step: Step) => void): Law =>
    onPaths(name, ({ steps }) => steps.forEach(check));

  return [
    onSteps('decides the same again, and changes nothing', ({ before, command, version, decision }) => {
      const kept = aggregate.persist(before);
      deepStrictEqual(plain(aggregate, aggregate.decide(before, frozen(command), version)), plain(aggregate, decision));
      deepStrictEqual(aggregate.persist(before), kept);
    }),
    onSteps('accepts with one event at least, or refuses with a code and a sentence', ({ decision }) => {
      if (decision.kind === 'accepted') return equal(decision.events.length > 0, true);
      equal(/^[A-Z][A-Z0-9_]*$/.test(decision.code), true, `the code ${decision.code}`);
      equal(decision.because.length > 0, true, `${decision.code} without a sentence`);
    }),
    onSteps('emits what fits its schema and comes back from JSON', ({ decision }) => {
      for (const event of decision.kind === 'accepted' ? decision.events : []) {
        deepStrictEqual(aggregate.encodeEvent(event.type, event.data), event.data);
        deepStrictEqual(throughJson(event), event);
        deepStrictEqual(aggregate.upcast(event), event);
      }
    }),
    onPaths('replays its history to the state it was in', ({ events, last }) => {
      deepStrictEqual(
        aggregate.persist(fold(aggregate, aggregate.initial, throughJson(events))),
        aggregate.persist(last),
      );
    }),
    onPaths('gives the same from a snapshot and the tail, cut anywhere', ({ events, last }) => {
      let state = aggregate.initial;
      for (const [index, event] of events.entries()) {
        state = aggregate.evolve(state, event);
        const restored = aggregate.restore(throughJson(aggregate.persist(state)));
        deepStrictEqual(aggregate.persist(restored), aggregate.persist(state));
        deepStrictEqual(aggregate.describe(restored), aggregate.describe(state));
        deepStrictEqual(aggregate.claims(restored), aggregate.claims(state));
        deepStrictEqual(aggregate.persist(fold(aggregate, restored, events.slice(index + 1))), aggregate.persist(last));
      }
    }),
    onSteps('keeps what its list of legal commands says', ({ before, command, version, decision }) => {
      const legal = aggregate.legal(before, version).find(({ type }) => type === command.type);
      if (legal === undefined) return fail(`${command.type} is not listed`);
      if (legal.verdict === 'depends-on-data') return;
      equal(decision.kind, legal.verdict, `${command.type} is listed as ${legal.verdict}`);
      if (legal.verdict === 'refused' && decision.kind === 'refused') equal(decision.code, legal.code);
    }),
    onSteps('claims normalised texts, each once', ({ decision }) => {
      const claims = decision.kind === 'accepted' ? aggregate.claims(decision.next) : [];
      deepStrictEqual(claims, [...new Set(claims)].sort());
      for (const claim of claims) equal(/^[^:]+:./u.test(claim), true, `${claim} is not kind:value`);
    }),
    onSteps('takes no command with a field that is not declared', ({ command }) => {
      const extra = { ...(command.data as object), 'not declared': true };
      throws(
        () => aggregate.parseCommand(command.type, extra),
        (error) => isFailure(error, 'INVALID_COMMAND'),
      );
    }),
    {
      name: 'reaches every state and every transition',
      run() {
        const everything = everythingOf(definition.machine).filter((name) => !options.unreachable?.includes(name));
        const reached = new Set<string>();
        const missed = () => everything.filter((name) => !reached.has(name));
        const look = (path: readonly GivenCommand[]) => {
          for (const name of coverageOf(definition.machine, aggregate, walk(aggregate, path).steps)) reached.add(name);
        };
        // Blind paths: what one round misses by bad luck, a later one finds. What none finds is not reachable.
        for (let round = 0; round < maxRounds && missed().length > 0; round += 1) {
          const seed = options.seed === undefined ? {} : { seed: options.seed + round };
          fc.assert(fc.property(paths, look), { ...settings, ...seed });
        }
        const tried = maxRounds * settings.numRuns;
        if (missed().length > 0) fail(`${definition.name}: not reached in ${tried} paths: ${missed().join('; ')}`);
      },
    },
  ];
}

/** Of random paths, before a state or transition counts as unreachable. */
const maxRounds = 20;

interface Walk {
  readonly steps: readonly Step[];
  readonly events: readonly DomainEvent[];
  readonly last: AggregateState;
}

function walk(aggregate: Aggregate, path: readonly GivenCommand[]): Walk {
  let state = aggregate.initial;
  const events: DomainEvent[] = [];
  const steps = path.map((command): Step => {
    const [before, version] = [state, events.length];
    frozen(aggregate.describe(before));
    const decision = aggregate.decide(before, command, version);
    if (decision.kind === 'accepted') {
      events.push(...decision.events);
      state = decision.next;
    }
    return { before, version, command, decision };
  });
  return { steps, events, last: state };
}

function pathsOf(
  fc: FastCheck,
  { schemas }: AggregateDefinition,
  options: KitOptions,
): Arbitrary<readonly GivenCommand[]> {
  const commands = Object.entries(schemas.commands).map(([type, schema]) => ({
    arbitrary: fc.record({ type: fc.constant(type), data: options.commands?.[type] ?? schemaArbitrary(fc, schema) }),
    weight: options.weights?.[type] ?? 1,
  }));
  const about = fc.record({
    aggregateId: fc.string({ minLength: 1, unit: 'grapheme' }),
    times: fc.infiniteStream(fc.date({ min: new Date(0), max: new Date('9999-01-01'), noInvalidDate: true })),
  });
  const path = fc.array(fc.oneof(...commands), { minLength: 1, maxLength: options.maxCommands ?? 30, size: 'max' });
  return fc.tuple(path, about).map(([messages, { aggregateId, times }]) =>
    messages.map(({ type, data }, index) => {
      const commandId = `command-${index}` as CommandId;
      const occurredAt = (times.next().value as Date).toISOString();
      const ids = { commandId, correlationId: 'correlation', causationId: commandId };
      return { type, data, aggregateId, meta: { ...ids, occurredAt, source: 'property-kit', schema: 1 } };
    }),
  );
}

const fold = (aggregate: Aggregate, from: AggregateState, events: readonly DomainEvent[]) =>
  events.reduce((state, event) => aggregate.evolve(state, event), from);

const throughJson = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value)) as Value;

/** A decision that can be compared: states are opaque. */
const plain = (aggregate: Aggregate, decision: Decision) =>
  decision.kind === 'refused' ? decision : { ...decision, next: aggregate.persist(decision.next) };

/** Deep, so that whoever changes it throws. */
function frozen<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.values(value).forEach(frozen);
  return Object.freeze(value);
}
