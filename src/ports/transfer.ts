import type { RecordedEvent, StreamId } from '../kernel/message.ts';
import type { Checkpoint, Cursor } from './coordination.ts';
import type { CommandRecord } from './event-store.ts';

/**
 * How a log moves to another provider: its events by `readAll`, what stands beside them by `records`, both written as
 * they were by `restore`. Snapshots, read models and leases stay behind: they are made anew.
 */
export interface LogTransfer {
  /**
   * Every command record, held claim, cursor and checkpoint, read in slices of bounded size. Commands come in the order of
   * their recording; nothing else is said of the order. What changes meanwhile may be given as it was before or after.
   */
  records(): AsyncIterable<LogRecord>;
  /**
   * Writes the part as another store gave it, in one commit: ids, versions, positions and times stay as they are. What is
   * stored already is not written again, so the same part sent twice changes nothing. A cursor or checkpoint is written
   * only where there is none: one that is there has gone on since.
   * @throws IMPORT_CONFLICT when something of the part doesn't fit: another event at its position, a position or version
   * after a gap, a time before the last event's, another record of the same command, a claim that another stream holds.
   * STORE_UNAVAILABLE when the outcome is unknown: send the same part again. Nothing was stored when it throws another.
   */
  restore(part: LogPart): Promise<void>;
}

/** What stands beside the events of a log. */
export type LogRecord =
  | { readonly kind: 'command'; readonly stream: StreamId; readonly record: CommandRecord }
  | { readonly kind: 'claim'; readonly claim: string; readonly stream: StreamId }
  | { readonly kind: 'cursor'; readonly cursor: Cursor }
  | { readonly kind: 'checkpoint'; readonly name: string; readonly checkpoint: Checkpoint };

/** Some of a log. Events come before records that are about them, or after: either is fine. */
export interface LogPart {
  /** 0…1000, by position: those that follow the log's last event, or are in it already. */
  readonly events: readonly RecordedEvent[];
  /** 0…1000; commands in the order in which `records` gave them. */
  readonly records: readonly LogRecord[];
}
