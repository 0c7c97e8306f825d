import type { CommandId, NewEvent, StreamId } from '../../../kernel/message.ts';
import type { CommandRecord } from '../../../ports/event-store.ts';
import { type EventRecord, encodeCommand, type StoredCommand } from './records.ts';
import { createTable, type Table } from './table.ts';

/** One stream: its events by version, and the commands it remembers. */
export interface Stream {
  readonly id: StreamId;
  readonly records: EventRecord[];
  readonly commands: Map<CommandId, StoredCommand>;
}

/** The log: one array of records, and tables of streams and claims beside it. */
export interface LogState {
  /** Position n is at n - 1. */
  readonly log: EventRecord[];
  readonly streams: Table<Stream>;
  readonly claims: Map<string, Stream>;
  /** In the order of recording, which is that of time. */
  readonly remembered: { readonly stream: Stream; readonly command: StoredCommand }[];
  /** Of events and commands; '' at first. */
  lastRecordedAt: string;
  /** The stream, made first when nothing is known of it. */
  streamOf(id: StreamId): Stream;
  /** Puts an event at the end of its stream and of the log. */
  add(stream: Stream, event: NewEvent, payload: string, recordedAt: string): void;
  remember(stream: Stream, command: CommandRecord): void;
}

export function createLogState(): LogState {
  const log: EventRecord[] = [];
  const streams = createTable<Stream>();
  const remembered: { readonly stream: Stream; readonly command: StoredCommand }[] = [];
  const state: LogState = {
    log,
    streams,
    claims: new Map(),
    remembered,
    lastRecordedAt: '',
    streamOf: (wanted) => streams.getOrMake(wanted, (id) => ({ id, records: [], commands: new Map() })),
    add(stream, { id, type, meta }, payload, recordedAt) {
      const record: EventRecord = {
        id,
        stream: stream.id,
        version: stream.records.length + 1,
        position: log.length + 1,
        type,
        correlationId: meta.correlationId,
        recordedAt,
        payload,
      };
      stream.records.push(record);
      log.push(record);
      noteTime(recordedAt);
    },
    remember(stream, command) {
      const stored = encodeCommand(command);
      stream.commands.set(command.id, stored);
      remembered.push({ stream, command: stored });
      noteTime(stored.recordedAt);
    },
  };
  const noteTime = (recordedAt: string) => {
    if (recordedAt > state.lastRecordedAt) state.lastRecordedAt = recordedAt;
  };
  return state;
}
