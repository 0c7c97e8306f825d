import type { CommandId, EventId, NewEvent, RecordedEvent, StreamId } from '../../../kernel/message.ts';
import type { Payload } from '../archive-codec.ts';
import type { Database } from './database.ts';

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

/** Where an event goes; stream and type by their numbers. */
export interface EventPlace {
  readonly position: number;
  readonly stream: number;
  readonly version: number;
  readonly type: number;
  readonly recordedAtMs: number;
}

/** Writes one event; `data` is its data as `encodeData` gave it. Inside a transaction only. */
export function eventInserter(db: Database): (event: NewEvent, place: EventPlace, data?: string) => void {
  const insert = db.prepare(`INSERT INTO events (position, stream, version, type, recorded_at, data,
    id, occurred_at, command_id, correlation_id, causation_id, user_id, source, schema)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  return ({ id, meta }, { position, stream, version, type, recordedAtMs }, data = 'null') => {
    const { occurredAt, commandId, correlationId, causationId, userId = null, source, schema } = meta;
    const values = [id, occurredAt, commandId, correlationId, causationId, userId, source, schema];
    insert.run(position, stream, version, type, recordedAtMs, data, ...values);
  };
}

/** Whether the row has lost its payload to the archive. */
export const isArchived = (row: readonly [...EventRow, ...unknown[]]): boolean => row[11] === 0;

/** `row` may have further columns after its own; `archived` is the payload of a row that has none. */
export function decodeEvent(
  row: readonly [...EventRow, ...unknown[]],
  stream: StreamId,
  type: string,
  archived?: Payload,
): RecordedEvent {
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
  const payload = archived ?? {
    data: JSON.parse(data),
    meta: { occurredAt, commandId, correlationId, causationId, ...(userId !== null && { userId }), source, schema },
  };
  return { id, stream, version, position, type, ...payload, recordedAt: isoText(recordedAt) };
}

/** Times are kept as milliseconds since the epoch. */
export const isoText = (ms: number): string => new Date(ms).toISOString();
