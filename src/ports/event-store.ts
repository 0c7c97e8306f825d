import type { CommandId, EventId, Json, NewEvent, RecordedEvent, Refused, StreamId } from '../kernel/message.ts';

/**
 * The log: the only truth. Positions are dense and in commit order: event n+1 is visible only after n, so a reader
 * never waits for a gap and never skips. One conformance suite proves every adapter.
 */
export interface EventStore {
  /**
   * Judges the entries in order, each as if alone, and commits what passes in one transaction. A failed entry has no
   * effect, on itself or on others. Events take versions `actual + 1…`, contiguous, and the next positions.
   * Those called while others are under way are done after these, unless one must be sent again.
   * @param entries 1…1000, one command's outcome each.
   * @returns one outcome per entry, in order; a conflict is an outcome, not a throw.
   * @throws STORE_UNAVAILABLE when the outcome is unknown: send the identical entries again, command ids make it safe.
   * @throws STORE_FULL, STORE_READ_ONLY, STORE_CORRUPT, EVENT_TOO_LARGE, INVALID_ID, STORE_CLOSED when nothing was stored.
   */
  append(entries: readonly AppendEntry[]): Promise<readonly AppendOutcome[]>;

  /** One stream's events by version, read in slices of bounded size. An unknown stream is empty. */
  readStream(stream: StreamId, range?: StreamRange): AsyncIterable<RecordedEvent>;

  /** The global log by position, read in slices of bounded size; ends at the last event committed when it gets there. */
  readAll(filter?: LogFilter): AsyncIterable<RecordedEvent>;

  /** Where a stream stands; version 0 and no event id when it has no events. */
  streamHead(stream: StreamId): Promise<StreamHead>;

  /** The last committed position, 0 in an empty log. */
  head(): Promise<number>;

  /** Who holds each claim; claims nobody holds are absent. Claims are compared as given: the kernel normalises them. */
  claimHolders(claims: readonly string[]): Promise<ReadonlyMap<string, StreamId>>;

  /** Forgets the command ids recorded before `before` (ISO 8601), no others. Returns how many. */
  forgetCommandIds(before: string): Promise<number>;

  /**
   * Packs data and metadata of all of the stream's events, compressed, in the store itself. Nobody sees it: every read
   * gives the events at their places as before, the id can't be begun anew, versions go on after the last. Done in steps
   * each of which leaves every event readable, whoever dies after it; once more finishes the rest, or changes nothing.
   * @param at where the stream's last event is expected.
   * @returns whether the stream was still there at the end; false and nothing packed when it wasn't at the start.
   */
  archive(stream: StreamId, at: StreamHead): Promise<boolean>;

  /**
   * Calls `wake` some time after events became visible, at best effort: it may come late, once for many appends, or
   * never (another process's append on SQLite), so a reader polls as well. Returns the function that ends it.
   */
  watch(wake: () => void): () => void;
}

/** One command's outcome, to be stored whole or not at all. */
export interface AppendEntry {
  readonly stream: StreamId;
  readonly expected: ExpectedVersion;
  /** 0…1000 events, appended as one. None: the expectation is checked, the command id recorded, no stream is created. */
  readonly events: readonly NewEvent[];
  /** Scoped by stream: the same id in another stream is another command. */
  readonly command?: CommandRecordInput;
  /** Taken with the append or not at all. A claim the same stream already holds is no conflict. */
  readonly take?: readonly string[];
  /** Released with the append; releasing what the stream does not hold does nothing. Released before others are taken. */
  readonly release?: readonly string[];
}

/**
 * `none`: the stream has no events. `exists`: it has some. `any`: not checked. A number: its version equals it (0 is
 * `none`). With `eventId`, the last event must also be this one: the fence for entries decided on top of each other
 * (docs/decisions/0002).
 */
export type ExpectedVersion =
  | 'none'
  | 'exists'
  | 'any'
  | number
  | { readonly version: number; readonly eventId: EventId };

/** What is remembered of a command, so that sending it twice has one effect. */
export interface CommandRecordInput {
  readonly id: CommandId;
  /** A hash of the command's type and data: the same id with another one is `COMMAND_ID_REUSED`. */
  readonly fingerprint: string;
  /** The refusal, for an entry without events. */
  readonly refused?: Refused & { readonly commands?: Json };
}

/** A recorded command and its first outcome. */
export interface CommandRecord extends CommandRecordInput {
  /** The stream's version after it. Its events are the versions `version - count + 1 … version`. */
  readonly version: number;
  /** How many events it appended; 0 for a refusal. */
  readonly count: number;
  /** The last position of the log that its outcome depends on. */
  readonly position: number;
  /** ISO 8601. */
  readonly recordedAt: string;
}

/** How the store judged an entry: the command id first, then the version, then the claims. */
export type AppendOutcome =
  /** Stored. `position` is its last event's, or the log's head when it has none. */
  | { readonly kind: 'committed'; readonly version: number; readonly position: number; readonly recordedAt: string }
  /** The command id is known in this stream (with whatever fingerprint): nothing stored, here is its first outcome. */
  | { readonly kind: 'duplicate'; readonly first: CommandRecord }
  /** The stream is not where it was expected. */
  | { readonly kind: 'conflict'; readonly actual: number }
  /** Another stream holds the claim. */
  | { readonly kind: 'claimed'; readonly claim: string; readonly by: StreamId };

/** Versions, both ends inclusive. `from` greater than `to` is empty. */
export interface StreamRange {
  /** Default 1. */
  readonly from?: number;
  /** Default: the last. */
  readonly to?: number;
  /** At most so many events. Default: all. */
  readonly limit?: number;
  /** From `to` down to `from`. Default false. */
  readonly backwards?: boolean;
}

/** Which events of the log; every condition given must hold. */
export interface LogFilter {
  /** Positions greater than this. Default 0. */
  readonly after?: number;
  /** Positions up to and including this. Default: the last. */
  readonly to?: number;
  readonly limit?: number;
  /** Event types, such as `UserCreated`. */
  readonly types?: readonly string[];
  /** `Aggregate.Event`, with `*` for one part: `User.*`, `*.OrderPlaced`, `User.UserCreated`. */
  readonly pattern?: string;
  readonly correlationId?: string;
}

export interface StreamHead {
  readonly version: number;
  readonly eventId?: EventId;
}

/** Snapshots are a cache of the log: losing one costs time, never data. */
export interface SnapshotStore {
  /**
   * Saves several in one commit, each of another stream. Keeps the last two per stream and machine hash; saving an older
   * or equal version again changes nothing.
   */
  save(snapshots: readonly Snapshot[]): Promise<void>;
  /** The latest of this machine hash with a version up to `maxVersion` (inclusive; default any). */
  load(stream: StreamId, machineHash: string, maxVersion?: number): Promise<Snapshot | undefined>;
  /** Forgets all snapshots of the stream. */
  delete(stream: StreamId): Promise<void>;
}

export interface Snapshot {
  readonly stream: StreamId;
  /** Of the machine that made it; another machine never reads it. */
  readonly machineHash: string;
  readonly version: number;
  /** The event at `version`: a log that lost its tail is noticed by it. */
  readonly eventId: EventId;
  readonly state: Json;
}

/** The longest id of a stream, in bytes of UTF-8. */
export const maxIdBytes = 512;

/** Whether a text may be an id: storable and indexable everywhere, so without U+0000 and halves of surrogate pairs. */
export function isUsableId(text: string): boolean {
  // A UTF-16 unit takes at most three bytes of UTF-8, so a short text needs no counting.
  const fits = text.length > 0 && (text.length * 3 <= maxIdBytes || Buffer.byteLength(text) <= maxIdBytes);
  return fits && text.isWellFormed() && !text.includes('\0');
}

/** The most entries of one append, and the most events of one entry. */
export const maxEntries = 1000;
