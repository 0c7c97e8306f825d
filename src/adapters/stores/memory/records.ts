import type { EventId, RecordedEvent, StreamId } from '../../../kernel/message.ts';
import type { CommandRecord } from '../../../ports/event-store.ts';
import type { PackedEvents, Payload, Unpacker } from '../archive-codec.ts';

/**
 * An event as it is kept: what is looked for as fields, the rest as JSON text, so that nobody can change it from
 * outside and a long log costs the garbage collector one string an event.
 */
export interface EventRecord {
  readonly id: EventId;
  readonly stream: StreamId;
  readonly version: number;
  readonly position: number;
  readonly type: string;
  readonly correlationId: string;
  readonly recordedAt: string;
  /** Data and metadata as JSON text, or the pack that they are in. */
  payload: string | PackedEvents;
}

/** A recorded command; the refusal as JSON text. */
export type StoredCommand = Omit<CommandRecord, 'refused'> & { readonly refusal?: string };

/** Data and metadata as JSON text. */
export function encodePayload({ data, meta }: Payload): string {
  return JSON.stringify({ data, meta });
}

/** The event, made anew for each reader. */
export function decodeEvent(record: EventRecord, unpacker: Unpacker): RecordedEvent {
  const { id, stream, version, position, type, recordedAt, payload } = record;
  const { data, meta }: Payload =
    typeof payload === 'string'
      ? JSON.parse(payload)
      : (unpacker.find(stream, version) ?? unpacker.open(stream, version, payload));
  return { id, stream, version, position, type, data, meta, recordedAt };
}

export function encodeCommand({ refused, ...command }: CommandRecord): StoredCommand {
  return { ...command, ...(refused && { refusal: JSON.stringify(refused) }) };
}

/** What a duplicate is told. */
export function firstOutcome({ refusal, ...command }: StoredCommand): CommandRecord {
  return { ...command, ...(refusal !== undefined && { refused: JSON.parse(refusal) }) };
}
