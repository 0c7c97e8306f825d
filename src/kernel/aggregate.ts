import { assign, createMachine, emit, enqueueActions, type StateMachine, type ToStateValue } from 'xstate';
import type {
  AggregateDefinition,
  ClaimRefusal,
  DataOf,
  GivenCommand,
  Immutable,
  Schemas,
  Upcaster,
} from './definition.ts';
import { knowAction } from './emissions.ts';
import type { DomainEvent, Refused } from './message.ts';
import { closed } from './schema.ts';
import {
  type Action,
  type AnyCommandIn,
  type AnyEventIn,
  type CommandMeta,
  type CommandTransition,
  type Deciding,
  type Domain,
  type Draft,
  type EventTransition,
  type Exactly,
  type Folding,
  type KnownKeys,
  type KnownMessages,
  type On,
  REFUSED,
  type State,
} from './transitions.ts';

/** What an author declares before drawing the machine. */
export interface Declaration<Commands extends Schemas, Events extends Schemas, Context> {
  /** By command type. Objects are closed: a field that isn't declared is refused. */
  readonly commands: Commands;
  /** By event type; closed too. */
  readonly events: Events;
  /** What an aggregate knows before its first event: JSON. Its type is the context's type. */
  readonly context: Context;
  /** The unique values, `kind:value`, that an aggregate with this context holds. Default: none. */
  readonly claims?: (context: Immutable<NoInfer<Context>>) => readonly string[];
  /** Code and sentence of the refusal, by kind of claim, when another aggregate holds it. Default: `CLAIMED`. */
  readonly claimed?: Readonly<Record<string, ClaimRefusal>>;
  /** By event type: entry 0 lifts data of schema 1 to schema 2, and so on; today's schema is one more than entries. */
  readonly upcasters?: { readonly [Type in keyof NoInfer<Events>]?: readonly Upcaster[] };
  /** Raise it when changed functions fold a recorded history to another state. Default: 1. */
  readonly revision?: number;
  /** Only the runtime may send its commands. Default: false. */
  readonly internal?: boolean;
}

/** The helpers that draw the machine of one aggregate type; each makes a plain XState transition. Where `on` takes a
 * list, the first transition whose `when` holds is taken. Everything given to them is pure. */
export function aggregate<const Commands extends Schemas, const Events extends Schemas, Context extends object>(
  name: string,
  declaration: Declaration<Commands, Events, Context>,
) {
  type D = { readonly commands: DataOf<Commands>; readonly events: DataOf<Events>; readonly context: Context };
  type Command = AnyCommandIn<D>;
  type Event = AnyEventIn<D>;
  type Type = keyof Events & string;
  type Outcome<Types extends Type> = Refused | Draft<D['events'], Types> | readonly Draft<D['events'], Types>[];

  /** Accepts the command with one event. */
  function emits<Input extends Command, Emitted extends Type, Data extends D['events'][Emitted]>(
    type: Emitted,
    data: (given: Deciding<Context, Input>) => Data & Exactly<Data, D['events'][Emitted]>,
    when?: (given: Deciding<Context, Input>) => boolean,
  ): CommandTransition<Input> {
    const action = emit((args) => ({ type, data: data(deciding(args)) }));
    return commandTransition({ kind: 'emits', events: [type] }, action, when);
  }

  /** Accepts the command with one or several of these events, or refuses it; no event at all is a refusal too. */
  function decides<Input extends Command, Types extends Type, Decided extends Outcome<Types>>(
    types: Types | readonly Types[],
    decide: (given: Deciding<Context, Input>) => Decided & Exactly<Decided, Outcome<Types>>,
    when?: (given: Deciding<Context, Input>) => boolean,
  ): CommandTransition<Input> {
    const action = enqueueActions(({ enqueue, ...args }) => {
      const decided: Outcome<Types> = decide(deciding(args));
      const outcomes: readonly (Refused | Draft<D['events'], Types>)[] = 'length' in decided ? decided : [decided];
      for (const outcome of outcomes) enqueue.emit('code' in outcome ? { ...outcome, type: REFUSED } : outcome);
    });
    return commandTransition({ kind: 'decides', events: [types].flat() as Types[] }, action, when);
  }

  /** Refuses the command, with a code and one sentence for a person. */
  function refuse<Input extends Command>(
    code: string,
    because: string,
    when?: (given: Deciding<Context, Input>) => boolean,
  ): CommandTransition<Input> {
    return commandTransition({ kind: 'refuses', code, because }, emit({ type: REFUSED, code, because }), when);
  }

  /** Folds the event: into another state, or `null` to stay, with what changes in the context. */
  function moves<Input extends Event, Change extends Partial<Immutable<Context>>>(
    target: string | null,
    set?: (given: Folding<Context, Input>) => Change & Exactly<Change, Context>,
    when?: (given: Folding<Context, Input>) => boolean,
  ): EventTransition<Input> {
    return {
      meta: { kind: 'moves' },
      ...(target === null ? {} : { target }),
      ...(set === undefined ? {} : { actions: assign((args) => set(folding(args))) }),
      ...(when === undefined ? {} : { guard: (args: Args) => when(folding(args)) }),
    };
  }

  /** Changes the context, on `entry` or `exit`. */
  function sets<Input extends Event, Change extends Partial<Immutable<Context>>>(
    set: (given: Folding<Context, Input>) => Change & Exactly<Change, Context>,
  ): Action {
    return assign((args) => set(folding(args)));
  }

  /** Types an `on` that is written outside the machine. */
  const on = <const Config extends On<D>>(config: Config & KnownMessages<Config, D>): Config => config;

  /** Types a state that is written outside the machine. */
  const state = <const Config extends State<D>>(config: Config & KnownKeys<Config, D>): Config => config;

  /** Draws the machine. What it gives is an ordinary XState machine beside its declaration. */
  function define<const Config extends State<D>>(config: Config & KnownKeys<Config, D>): Defined<D, Config> {
    const { context, claims = () => [], claimed = {}, upcasters = {}, revision = 1, internal = false } = declaration;
    // XState types a machine by a dozen parameters of its own; ours are checked above.
    const machine = createMachine({ ...config, id: name, context, options: { maxIterations: 1000 } } as object);
    return {
      name,
      machine: machine as unknown as MachineOf<D, Config>,
      schemas: { commands: closedAll(declaration.commands), events: closedAll(declaration.events) },
      claims,
      claimed,
      upcasters: upcasters as Readonly<Record<string, readonly Upcaster[]>>,
      revision,
      internal,
    };
  }

  return { emits, decides, refuse, moves, sets, on, state, define };
}

/** What `define` gives. */
export type Defined<D extends Domain, Config> = AggregateDefinition<D['commands'], D['events'], D['context']> & {
  readonly machine: MachineOf<D, Config>;
};

/** The XState machine that a config draws: its snapshots know their states, so a wrong `matches` doesn't compile. */
export type MachineOf<D extends Domain, Config> = StateMachine<
  D['context'],
  AnyCommandIn<D> | AnyEventIn<D>,
  Record<string, never>,
  never,
  never,
  never,
  never,
  ToStateValue<Config & object>,
  string,
  undefined,
  undefined,
  { readonly type: string },
  object,
  Config & object
>;

/** What XState gives to guards and actions. */
interface Args {
  readonly context: unknown;
  readonly event: object;
}

function deciding<Context, Input extends { readonly data: unknown }>({
  context,
  event,
}: Args): Deciding<Context, Input> {
  const { data, meta, aggregateId } = event as GivenCommand<string, Input['data']>;
  return { context: context as Immutable<Context>, data, meta, id: aggregateId };
}

function folding<Context, Input extends { readonly data: unknown }>({ context, event }: Args): Folding<Context, Input> {
  const { data, meta } = event as DomainEvent<string, Input['data']>;
  return { context: context as Immutable<Context>, data, meta };
}

/** Looks only when asked, so that `legal` notices whether a guard looks at the command. */
function guarding<Context, Input extends { readonly data: unknown }>({
  context,
  event,
}: Args): Deciding<Context, Input> {
  const command = event as GivenCommand<string, Input['data']>;
  return {
    context: context as Immutable<Context>,
    get data() {
      return command.data;
    },
    get meta() {
      return command.meta;
    },
    get id() {
      return command.aggregateId;
    },
  };
}

function commandTransition<Context, Input extends { readonly data: unknown }>(
  meta: CommandMeta,
  action: Action,
  when: ((given: Deciding<Context, Input>) => boolean) | undefined,
): CommandTransition<Input> {
  knowAction(action, meta);
  return {
    meta,
    actions: action,
    ...(when === undefined ? {} : { guard: (args: Args) => when(guarding(args)) }),
  };
}

const closedAll = (schemas: Schemas): Schemas =>
  Object.fromEntries(Object.entries(schemas).map(([type, schema]) => [type, closed(schema)]));
