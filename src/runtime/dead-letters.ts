import type { RecordedEvent, StreamId } from '../kernel/message.ts';

/** A parked stream: its event could not be handled, the later ones wait. */
export interface DeadLetter {
  readonly id: string;
  readonly subscription: string;
  readonly stream: StreamId;
  readonly version: number;
  readonly eventId: string;
  readonly eventType: string;
  readonly position: number;
  readonly code: string;
  readonly cause: string;
  readonly attempts: number;
  readonly parkedAt: string;
}

/** What operators do with dead letters. */
export interface DeadLetters {
  /** By page, in the order of their ids. */
  list(page: {
    readonly subscription?: string;
    readonly after?: string;
    readonly limit: number;
  }): Promise<readonly DeadLetter[]>;
  /** With the event itself. @throws NOT_FOUND */
  get(id: string): Promise<DeadLetter & { readonly event: RecordedEvent }>;
  /** Unparks the stream; its events are handled again, in order. @throws NOT_FOUND */
  redrive(id: string): Promise<void>;
  /** Redrives all of a subscription, or of all. Returns how many. */
  redriveAll(subscription?: string): Promise<number>;
  /** Steps over that one event and goes on with the next. @throws NOT_FOUND */
  discard(id: string): Promise<void>;
}
