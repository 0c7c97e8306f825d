import type { EventId, RecordedEvent, StreamId } from '../../../kernel/message.ts';
import type { Payload } from '../archive-codec.ts';

/** The columns of an event in the order of `EventRow`; `e` is the event, `t` its type, `s` its stream. */
export const eventColumns = `e.position, e.version, e.recorded_at, e.id, e.meta, e.data, t.type, s.type AS stream_type,
  s.id AS stream_id`;

export type EventRow = [
  position: number,
  version: number,
  recordedAt: number,
  id: EventId,
  meta: string | null,
  data: string | null,
  type: string,
  streamType: string,
  streamId: string,
];

/** Whether the event's payload is in an archive. */
export const isArchived = (row: readonly [...EventRow, ...unknown[]]): boolean => row[5] === null;

/** @param archived what the row lacks when it is archived. */
export function decodeEvent(row: readonly [...EventRow, ...unknown[]], archived?: Payload): RecordedEvent {
  const [position, version, recordedAt, id, meta, data, type] = row;
  const payload: Payload = archived ?? { data: JSON.parse(data ?? 'null'), meta: JSON.parse(meta ?? 'null') };
  return { id, stream: streamOf(row), version, position, type, ...payload, recordedAt: isoText(recordedAt) };
}

export const streamOf = (row: readonly [...EventRow, ...unknown[]]): StreamId => ({ type: row[7], id: row[8] });

/** Times are kept as milliseconds since the epoch. */
export const isoText = (ms: number): string => new Date(ms).toISOString();
