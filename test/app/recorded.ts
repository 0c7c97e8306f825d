import type { CommandId, EventId, RecordedEvent } from '../../src/kernel/message.ts';

/** A recorded event, at 10:00 and so many minutes as its position. */
export function recorded(aggregate: string, type: string, data: object, position = 1, id = 'u1'): RecordedEvent {
  const occurredAt = new Date(Date.UTC(2026, 0, 1, 10, position)).toISOString();
  const commandId = `c${position}` as CommandId;
  return {
    id: `e${position}` as EventId,
    stream: { type: aggregate, id },
    version: position,
    position,
    type,
    data,
    meta: { occurredAt, commandId, correlationId: 'k', causationId: commandId, source: 'test', schema: 1 },
    recordedAt: occurredAt,
  };
}
