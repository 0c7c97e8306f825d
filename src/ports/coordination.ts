import type { EventId, StreamId } from '../kernel/message.ts';

/** A place in the log that a named reader has reached. */
export interface Checkpoint {
  readonly position: number;
  /** The event at `position`, so that a log that lost its tail is noticed; none at position 0. */
  readonly eventId?: EventId;
}

/** Where readers of the log stand (the relay, the low-water mark of a grouped subscription). */
export interface CheckpointStore {
  load(name: string): Promise<Checkpoint | undefined>;
  /**
   * Moves the checkpoint if the fence still holds.
   * @throws FENCED when the lease has a higher token: another holder took over.
   */
  save(name: string, checkpoint: Checkpoint, fence: Fence): Promise<void>;
}

/** Where a grouped subscription stands in one stream. */
export interface Cursor {
  readonly subscription: string;
  readonly stream: StreamId;
  /** The last version handled or stepped over; 0 before the first. */
  readonly version: number;
  readonly state: CursorState;
  /** Grows with every change; what compare-and-set compares. 0: not stored yet. */
  readonly revision: number;
}

/**
 * `live`: handles what comes. `parked`: stopped before version + 1 by a lasting failure: the dead letter. `redriving`:
 * unparked, and to be read from the log until it has caught up.
 */
export type CursorState = { readonly kind: 'live' } | { readonly kind: 'redriving' } | Parked;

/** Why a stream waits, kept in the cursor itself: no copy of the event is made. */
export interface Parked {
  readonly kind: 'parked';
  /** Stable, for the dead letter's address. */
  readonly id: string;
  /** The event that could not be handled. */
  readonly eventId: EventId;
  readonly eventType: string;
  readonly position: number;
  readonly code: string;
  readonly cause: string;
  readonly attempts: number;
  /** ISO 8601. */
  readonly parkedAt: string;
}

/** The change of one cursor, made only if it is still at `from.revision`. */
export interface CursorChange {
  readonly from: Cursor;
  readonly version: number;
  readonly state: CursorState;
}

export interface CursorStore {
  /** One per stream, in order; a cursor not stored yet has version 0, is live and has revision 0. */
  load(subscription: string, streams: readonly StreamId[]): Promise<readonly Cursor[]>;
  /**
   * Makes each change by compare-and-set, independently, in one round trip.
   * @returns per change the cursor as it now is, and whether this change made it so.
   */
  advance(changes: readonly CursorChange[]): Promise<readonly { readonly moved: boolean; readonly cursor: Cursor }[]>;
  /** The parked cursors by page, in the order of their dead letters' ids; of all subscriptions or one. */
  parked(page: {
    readonly subscription?: string;
    readonly after?: string;
    readonly limit: number;
  }): Promise<readonly Cursor[]>;
  /** The parked cursor with this dead letter's id. */
  findParked(id: string): Promise<Cursor | undefined>;
  /** The streams still to be read after a redrive. */
  redriving(subscription: string, limit: number): Promise<readonly Cursor[]>;
  /** How many are parked, by subscription. */
  countParked(): Promise<ReadonlyMap<string, number>>;
  /** Forgets every cursor of a subscription: of a finished replay. */
  deleteAll(subscription: string): Promise<void>;
}

/** What a write is fenced by: it is refused when the lease's token has become higher. */
export interface Fence {
  readonly lease: string;
  readonly token: number;
}

/** A lease as anybody sees it. */
export interface LeaseRecord {
  /** Grows by one with each takeover; never falls, not by a release either. */
  readonly token: number;
  /** Grows with each beat of the holder. */
  readonly beat: number;
  /** Who holds it; none when released. */
  readonly holder?: string;
}

/**
 * The register behind leases. It knows no time: a contender takes over only after it saw the beat stand still for the
 * time-to-live on its own monotonic clock, so stepping wall clocks do no harm, and what a paused holder writes after a
 * takeover is fenced by the token.
 */
export interface LeaseStore {
  /** Token 0, beat 0 and no holder when nobody ever held it. */
  read(name: string): Promise<LeaseRecord>;
  /** Makes `holder` the holder with token + 1 if the record is still as seen (token and beat); else returns what it is. */
  take(
    name: string,
    holder: string,
    seen: LeaseRecord,
  ): Promise<{ readonly taken: boolean; readonly record: LeaseRecord }>;
  /** Adds one to the beat if the token is still the holder's. False: the lease is lost. */
  beat(fence: Fence): Promise<boolean>;
  /** Gives the lease up so that another takes it at once. Does nothing when it was lost. */
  release(fence: Fence): Promise<void>;
}
