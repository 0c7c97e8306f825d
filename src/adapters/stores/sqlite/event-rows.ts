import type { SQLInputValue } from 'node:sqlite';
import { failure } from '../../../kernel/errors.ts';
import type { CommandId, EventId, NewEvent, RecordedEvent, StreamId } from '../../../kernel/message.ts';

/** The longest event data, in bytes of JSON: what the servers' stores take as well. */
export const maxEventBytes = 16 * 1024 * 1024;

/** The columns of an event in the order of `EventRow`; `e` is the table. */
export const eventColumns = `e.position, e.version, e.type, e.recorded_at, e.id, e.occurred_at, e.command_id,
  e.correlation_id, e.causation_id, e.user_id, e.source, e.schema, e.data`;

export type EventRow = [
  position: number,
  version: number,
  type: number,
  recordedAt: number,
  id: EventId,
  occurredAt: string,
  commandId: CommandId,
  correlationId: string,
  causationId: string,
  userId: string | null,
  source: string,
  schema: number,
  data: string,
];

/** An event's data as JSON text. @throws EVENT_TOO_LARGE */
export function encodeData({ type, data }: NewEvent): string {
  const text = JSON.stringify(data) ?? 'null';
  // A UTF-16 unit takes at most 3 bytes of UTF-8, so a short text needs no counting.
  if (text.length * 3 <= maxEventBytes || Buffer.byteLength(text) <= maxEventBytes) return text;
  throw failure('EVENT_TOO_LARGE', {
    expected: `at most ${maxEventBytes} bytes of data in ${type}`,
    found: `${Buffer.byteLength(text)} bytes`,
    remedy: 'Keep large content elsewhere and its address in the event.',
  });
}

/** What `INSERT INTO events` takes after position, stream, version, type and time of recording. */
export function metaValues({ id, meta }: NewEvent): SQLInputValue[] {
  const { occurredAt, commandId, correlationId, causationId, userId, source, schema } = meta;
  return [id, occurredAt, commandId, correlationId, causationId, userId ?? null, source, schema];
}

/** `row` may have further columns after its own. */
export function decodeEvent(row: readonly [...EventRow, ...unknown[]], stream: StreamId, type: string): RecordedEvent {
  const [
    position,
    version,
    ,
    recordedAt,
    id,
    occurredAt,
    commandId,
    correlationId,
    causationId,
    userId,
    source,
    schema,
    data,
  ] = row;
  return {
    id,
    stream,
    version,
    position,
    type,
    data: JSON.parse(data),
    meta: { occurredAt, commandId, correlationId, causationId, ...(userId !== null && { userId }), source, schema },
    recordedAt: isoText(recordedAt),
  };
}

/** Times are kept as milliseconds since the epoch. */
export const isoText = (ms: number): string => new Date(ms).toISOString();
