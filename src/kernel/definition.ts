import type { Static, TSchema } from 'typebox';
import type { AnyStateMachine } from 'xstate';
import type { Json, Metadata } from './message.ts';

/** Schemas by message type. */
export type Schemas = Readonly<Record<string, TSchema>>;

type Primitive = string | number | boolean | null | undefined;

/** The same value, which nobody changes. `Json` and what is wider is so by itself. */
export type Immutable<Value> = [Json] extends [Value]
  ? Value
  : Value extends Primitive
    ? Value
    : { readonly [Key in keyof Value]: Immutable<Value[Key]> };

/** The data of each message type, as its schema says. */
export type DataOf<Declared extends Schemas> = {
  readonly [Type in keyof Declared & string]: Fields<Static<Declared[Type]>>;
};

/** TypeBox calls an object without fields `object`, which every object is: ours takes none. */
type Fields<Data> = [Data, keyof Data] extends [object, never] ? Readonly<Record<string, never>> : Immutable<Data>;

/** A command as a machine meets it: the aggregate's id comes with it. */
export interface GivenCommand<Type extends string = string, Data = unknown> {
  readonly type: Type;
  readonly data: Data;
  readonly meta: Metadata;
  /** The id of the aggregate that it was sent to. */
  readonly aggregateId: string;
}

/** Lifts stored data of one schema version to the next. Pure. */
export type Upcaster = (data: Json) => Json;

/** Why a claim held by another aggregate refuses the command: code and sentence. */
export type ClaimRefusal = readonly [code: string, because: string];

/** What an author writes about one aggregate type; `defineAggregate` proves it. The three parameters are the maps of
 * command data and event data, and the context. */
export interface AggregateDefinition<Commands = unknown, Events = unknown, Context = unknown> {
  readonly name: string;
  readonly machine: AnyStateMachine;
  readonly schemas: { readonly commands: Schemas; readonly events: Schemas };
  /** The unique values, `kind:value`, that an aggregate with this context holds. */
  claims(context: Immutable<Context>): readonly string[];
  /** By kind of claim; `CLAIMED` when a kind is not told. */
  readonly claimed: Readonly<Record<string, ClaimRefusal>>;
  /** By event type: entry 0 lifts schema 1 to schema 2, and so on. */
  readonly upcasters: Readonly<Record<string, readonly Upcaster[]>>;
  /** Raise it when functions change what recorded histories fold to; snapshots of another revision are not used. */
  readonly revision: number;
  /** Its commands are the runtime's alone, not over HTTP. */
  readonly internal: boolean;
  /** For the types only; never there. */
  readonly '~types'?: { readonly commands: Commands; readonly events: Events; readonly context: Context };
}

type TypesOf<Definition> = Definition extends { readonly '~types'?: infer Types } ? NonNullable<Types> : never;

/** Command data by command type: `CommandsOf<typeof user>['CreateUser']`. */
export type CommandsOf<Definition> = TypesOf<Definition> extends { readonly commands: infer Found } ? Found : never;

/** Event data by event type. */
export type EventsOf<Definition> = TypesOf<Definition> extends { readonly events: infer Found } ? Found : never;

/** The context of an aggregate's states. */
export type ContextOf<Definition> = TypesOf<Definition> extends { readonly context: infer Found } ? Found : never;
