import { type Static, Type } from 'typebox';
import type { RecordedEvent } from '../kernel/message.ts';

/** An event of the log, as JSON Schema. */
export const EventJson = Type.Object({
  id: Type.String(),
  stream: Type.Object({ type: Type.String(), id: Type.String() }),
  version: Type.Integer({ minimum: 1 }),
  position: Type.Integer({ minimum: 1 }),
  type: Type.String(),
  data: Type.Unknown(),
  meta: Type.Object({
    occurredAt: Type.String(),
    commandId: Type.String(),
    correlationId: Type.String(),
    causationId: Type.String(),
    userId: Type.Optional(Type.String()),
    source: Type.String(),
    schema: Type.Integer({ minimum: 1 }),
  }),
  recordedAt: Type.String(),
});
export type EventJson = Static<typeof EventJson>;

/** The event with its keys always in the same order, so that equal events are equal text, whichever store gave them. */
export function eventJson(event: RecordedEvent): EventJson {
  const { id, stream, version, position, type, data, meta, recordedAt } = event;
  const { occurredAt, commandId, correlationId, causationId, userId, source, schema } = meta;
  return {
    id,
    stream: { type: stream.type, id: stream.id },
    version,
    position,
    type,
    data,
    meta: {
      occurredAt,
      commandId,
      correlationId,
      causationId,
      ...(userId === undefined ? {} : { userId }),
      source,
      schema,
    },
    recordedAt,
  };
}
