import { failure } from '../kernel/errors.ts';
import type { Json, RecordedEvent } from '../kernel/message.ts';
import type { NotificationKind } from '../ports/channel.ts';
import { eventPattern } from '../ports/event-bus.ts';
import type { DeadLetter } from './dead-letters.ts';

export { defineAggregate } from '../kernel/decider.ts';

/**
 * A read model's logic. Pure: a fold touches only its own row and takes its times from the event, so that a rebuild
 * gives the same rows.
 */
export interface ProjectionDefinition<R = Json> {
  readonly name: string;
  /** The events it folds: `Aggregate.Event` with `*` for one part. */
  readonly on: readonly string[];
  /** The id of the row that the event touches; null for none. */
  key(event: RecordedEvent): string | null;
  /** The row after the event; null deletes it, or leaves it absent. A throw marks the row faulty at its last good state. */
  fold(row: R | null, event: RecordedEvent): R | null;
  /** What the row adds to the totals; kept by difference. */
  totals?(row: R): Readonly<Record<string, number>>;
  /** The text that search looks into; folded by the runtime (NFKC, lower case, without accents). */
  search?(row: R): string;
  /** Equality look-ups, such as `{ userId }`. */
  index?(row: R): Readonly<Record<string, string>>;
  /** Rows page by this text, then by id. Must never change for a row. Default: the empty text, so by id. */
  order?(row: R): string;
  /** Raise it when the logic changes: the read model is then rebuilt beside the old one and swapped in. Default 1. */
  readonly revision?: number;
}

/** Checks the definition and returns it, with its row type forgotten. @throws INVALID_DEFINITION */
export function defineProjection<R>(definition: ProjectionDefinition<R>): ProjectionDefinition {
  return checked('projection', definition.name, definition.on, definition as unknown as ProjectionDefinition);
}

/** What is sent when an event happens. */
export interface NotificationDefinition {
  /** `Aggregate.Event`, exact. */
  readonly on: string;
  /** Pure: the requests that the event causes, none or several, each with a template of its own. */
  requests(event: RecordedEvent): readonly NotificationRequest[];
  /** By template: adds to the data what must not stand in the log (signed links), just before each delivery. */
  readonly enrich?: Readonly<Record<string, Enricher>>;
}

export type Enricher = (request: NotificationRequest) => Promise<Record<string, Json>> | Record<string, Json>;

export interface NotificationRequest {
  readonly type: NotificationKind;
  /** An email address, or a user's id for a push. */
  readonly to: string;
  readonly template: string;
  readonly data: Readonly<Record<string, Json>>;
  /** eventId is added by the runtime. */
  readonly metadata: Readonly<Record<string, Json>>;
}

/** Checks the definition and returns it. @throws INVALID_DEFINITION */
export function defineNotification(definition: NotificationDefinition): NotificationDefinition {
  return checked('notification', definition.on, [definition.on], definition);
}

/** A grouped subscription: competing consumers, in order per aggregate, at least once. */
export interface SubscriptionDefinition {
  readonly name: string;
  readonly on: readonly string[];
  /**
   * Handles one event. A throw with a retryable code (or of a foreign error such as a refused connection) is passing:
   * it is waited out. A throw of HANDLER_FAILED or CHANNEL_REJECTED, or RETRY_ATTEMPTS throws of another kind, parks
   * the stream.
   */
  handle(event: RecordedEvent, tools: HandlerTools): Promise<void>;
  /** Told before an operator steps over an event that could not be handled; rejecting keeps the dead letter. */
  discarded?(event: RecordedEvent, letter: DeadLetter): Promise<void>;
}

export interface HandlerTools {
  /** 1 for the first try. */
  readonly attempt: number;
  /** Aborted when the subscription stops. */
  readonly signal: AbortSignal;
  /** True while re-delivering on request, false for what is new. */
  readonly replaying: boolean;
}

/** Checks the definition and returns it. @throws INVALID_DEFINITION */
export function defineSubscription(definition: SubscriptionDefinition): SubscriptionDefinition {
  return checked('subscription', definition.name, definition.on, definition);
}

const namePattern = /^[A-Za-z][A-Za-z0-9._-]{0,99}$/;

function checked<D>(kind: string, name: string, on: readonly string[], definition: D): D {
  const faults = [
    ...(namePattern.test(name)
      ? []
      : [`the name ${JSON.stringify(name)} is not a letter followed by up to 99 of A-Z a-z 0-9 . _ -`]),
    ...(on.length > 0 ? [] : ['it listens to no event']),
    ...on.filter((pattern) => !eventPattern.test(pattern)).map((p) => `${JSON.stringify(p)} is not Aggregate.Event`),
  ];
  if (faults.length === 0) return definition;
  throw failure('INVALID_DEFINITION', {
    expected: `a ${kind} with a name and patterns like User.UserCreated or Order.*`,
    found: faults.join('; '),
  });
}
