/** A JSON value: what data, metadata and snapshots are made of. Numbers are exact up to 2^53. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** A fresh event's id is a UUIDv7; unique in the log. */
export type EventId = Branded<'EventId'>;
/** What makes a command safe to send twice: the caller's own text, or a UUIDv7. Scoped by stream. */
export type CommandId = Branded<'CommandId'>;

/** The address of an aggregate and of its stream: two columns, never one joined text. */
export interface StreamId {
  /** The aggregate type, such as `User`. */
  readonly type: string;
  /** Any text of 1…512 bytes in UTF-8. */
  readonly id: string;
}

/** What is known of a message beside its data. */
export interface Metadata {
  /** ISO 8601 in UTC; the domain's time, set by whoever sent the command. */
  readonly occurredAt: string;
  readonly commandId: CommandId;
  /** The same for everything that one first cause set in motion. */
  readonly correlationId: string;
  /** The message that caused this one: a command's or an event's id. */
  readonly causationId: string;
  /** Who acted. */
  readonly userId?: string;
  /** The part of the system that sent it, such as `user-service`. */
  readonly source: string;
  /** The schema version of the event type's data, from 1. */
  readonly schema: number;
}

/** A request that may be refused. */
export interface Command<Type extends string = string, Data = unknown> {
  readonly type: Type;
  readonly data: Data;
  readonly meta: Metadata;
}

/** A fact that already happened, as aggregates fold it. */
export interface DomainEvent<Type extends string = string, Data = unknown> {
  readonly type: Type;
  readonly data: Data;
  readonly meta: Metadata;
}

/** An event about to be appended. */
export interface NewEvent extends DomainEvent {
  readonly id: EventId;
}

/** An event of the log. */
export interface RecordedEvent extends NewEvent {
  readonly stream: StreamId;
  /** Place in its stream: 1, 2, 3 … without gaps. */
  readonly version: number;
  /** Place in the global log: 1, 2, 3 … dense and in commit order. */
  readonly position: number;
  /** ISO 8601 in UTC, set by the store; never decreases with position. */
  readonly recordedAt: string;
}

/** The domain's no: a result, never a throw. */
export interface Refused {
  /** Such as `EMAIL_ALREADY_VERIFIED`. */
  readonly code: string;
  /** One sentence for a person. */
  readonly because: string;
}
