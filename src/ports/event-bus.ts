import type { RecordedEvent } from '../kernel/message.ts';

/**
 * Wakes and distributes; the log stays the truth. At least once; in order per aggregate within a group, also with
 * several consumers; groups compete, different groups each get all. One conformance suite proves every adapter.
 */
export interface EventBus {
  /** Such as `memory`. */
  readonly provider: string;
  readonly features: BusFeatures;
  /**
   * Resolves when the bus holds all of them. Calls are taken in their order, also while earlier ones are under way; one
   * that is on its way already may succeed though an earlier one fails.
   * @throws BUS_UNAVAILABLE, BUS_CLOSED; MESSAGE_TOO_LARGE, with `details.eventId` when the bus knows whose it is. Some of
   * the others may have been taken.
   */
  publish(events: readonly RecordedEvent[]): Promise<void>;
  /**
   * Consumes in a group. An event is acknowledged when `handle` resolves; when it rejects, the event comes again, and
   * no later event of its aggregate comes before it, as long as it stays unacknowledged.
   */
  subscribe(options: BusSubscribeOptions, handle: (event: RecordedEvent) => Promise<void>): Promise<BusConsumer>;
  /** Resolves when the bus answers. @throws BUS_UNAVAILABLE */
  ping(): Promise<void>;
  /** Ends in under 5 s, always; twice is fine. */
  close(): Promise<void>;
}

export interface BusSubscribeOptions {
  /** The subscription's name. */
  readonly group: string;
  /** `Aggregate.Event` with `*` for one part; an event comes when one of them matches. */
  readonly patterns: readonly string[];
  /** How many events may be in handlers at once, of different aggregates. Default 64. */
  readonly maxInFlight?: number;
}

export interface BusConsumer {
  /** Takes no more, waits for the handlers under way, leaves the group. Twice is fine. */
  close(): Promise<void>;
}

export interface BusFeatures {
  /** Reaches other processes: a grouped subscription then runs in every worker, else only beside the relay. */
  readonly crossProcess: boolean;
  /** Keeps what no consumer took yet. */
  readonly durable: boolean;
}

/** What a pattern is: `Aggregate.Event`, with `*` for one whole part. */
export const eventPattern = /^(\*|[A-Za-z][A-Za-z0-9_-]*)\.(\*|[A-Za-z][A-Za-z0-9_-]*)$/;

/** True when `Aggregate.Event` fits the pattern; `*` stands for one whole part. */
export function matchesPattern(pattern: string, aggregate: string, event: string): boolean {
  const dot = pattern.indexOf('.');
  const left = pattern.slice(0, dot);
  const right = pattern.slice(dot + 1);
  return (left === '*' || left === aggregate) && (right === '*' || right === event);
}
