import type { GivenCommand, Immutable } from './definition.ts';
import type { DomainEvent, Metadata, Refused } from './message.ts';

/** What one aggregate type is about: data by command, data by event, context. */
export interface Domain {
  readonly commands: object;
  readonly events: object;
  readonly context: object;
}

type Name<Map> = keyof Map & string;
type OneOrMany<Value> = Value | readonly Value[];

/** One of the domain's commands. */
export type CommandIn<D extends Domain, Type extends Name<D['commands']>> = GivenCommand<Type, D['commands'][Type]>;
/** One of the domain's events. */
export type EventIn<D extends Domain, Type extends Name<D['events']>> = DomainEvent<Type, D['events'][Type]>;
/** Any of the domain's commands. */
export type AnyCommandIn<D extends Domain> = { [Type in Name<D['commands']>]: CommandIn<D, Type> }[Name<D['commands']>];
/** Any of the domain's events. */
export type AnyEventIn<D extends Domain> = { [Type in Name<D['events']>]: EventIn<D, Type> }[Name<D['events']>];

/** An event as `decides` gives it. */
export type Draft<Events, Type extends Name<Events>> = {
  [Each in Type]: { readonly type: Each; readonly data: Events[Each] };
}[Type];

/** What a decision looks at. */
export interface Deciding<Context, Input extends { readonly data: unknown }> extends Folding<Context, Input> {
  /** The aggregate's id. */
  readonly id: string;
}

/** What a fold looks at: nothing that isn't in the log. */
export interface Folding<Context, Input extends { readonly data: unknown }> {
  readonly context: Immutable<Context>;
  readonly data: Input['data'];
  readonly meta: Metadata;
}

/** What a command's transition does: its `meta`, for the checks, the diagrams and the list of legal commands. */
export type CommandMeta =
  | { readonly kind: 'emits'; readonly events: readonly string[] }
  | { readonly kind: 'decides'; readonly events: readonly string[] }
  | ({ readonly kind: 'refuses' } & Refused);

/** What an event's transition does. */
export interface EventMeta {
  readonly kind: 'moves';
}

/** What a refusal is emitted as; no event may be called so. */
export const REFUSED = 'Refused';

/** A command's transition. `guard` carries the input's type: through it, the key of `on` types the helper inside. */
export interface CommandTransition<Input> {
  readonly meta: CommandMeta;
  readonly actions: Action;
  readonly guard?: (args: { readonly context: never; readonly event: Input }) => boolean;
}

/** An event's transition. */
export interface EventTransition<Input> {
  readonly meta: EventMeta;
  readonly target?: string;
  readonly actions?: Action;
  readonly guard?: (args: { readonly context: never; readonly event: Input }) => boolean;
}

/** One of XState's own actions: `assign`, `emit`, `enqueueActions`. */
export type Action = (...args: never[]) => void;

/** The `on` of a state: commands by their helpers, events by theirs. */
export type On<D extends Domain> = {
  readonly [Type in Name<D['commands']>]?: OneOrMany<CommandTransition<CommandIn<D, Type>>>;
} & {
  readonly [Type in Name<D['events']>]?: OneOrMany<EventTransition<EventIn<D, Type>>>;
};

/** A state of the machine: XState's own config, without what an aggregate can't have. */
export interface State<D extends Domain> {
  readonly id?: string;
  readonly type?: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  readonly initial?: string;
  readonly history?: 'shallow' | 'deep';
  /** Where a history state leads when there is no history. */
  readonly target?: string;
  readonly states?: { readonly [Child in string]: State<D> };
  readonly on?: On<D>;
  readonly always?: OneOrMany<EventTransition<AnyEventIn<D>>>;
  readonly onDone?: OneOrMany<EventTransition<AnyEventIn<D>>>;
  readonly entry?: OneOrMany<Action>;
  readonly exit?: OneOrMany<Action>;
  readonly tags?: OneOrMany<string>;
  readonly meta?: Readonly<Record<string, unknown>>;
  readonly description?: string;
}

type KeysOf<Shape> = Shape extends unknown ? keyof Shape : never;
type ValueAt<Shape, Key> = Shape extends unknown ? (Key extends keyof Shape ? Shape[Key] : never) : never;

/** `Got`, when at no depth it has a key that `Shape` doesn't have. */
export type Exactly<Got, Shape> = [Shape] extends [Got]
  ? Got
  : Got extends string | number | boolean | null | undefined
    ? Got
    : { [Key in keyof Got]: Key extends KeysOf<Shape> ? Exactly<Got[Key], ValueAt<Shape, Key>> : never };

/** `never` for every key of an `on` that is no command and no event. */
export type KnownMessages<Config, D extends Domain> = {
  [Type in keyof Config]: Type extends keyof On<D> ? unknown : never;
};

/** `never` for every key that a state or its `on` doesn't have, at any depth. */
export type KnownKeys<Config, D extends Domain> = {
  [Key in keyof Config]: Key extends 'on'
    ? KnownMessages<Config[Key], D>
    : Key extends 'states'
      ? { [Child in keyof Config[Key]]: KnownKeys<Config[Key][Child], D> }
      : Key extends keyof State<D>
        ? unknown
        : never;
};
