import type { EventId, NewEvent, RecordedEvent, StreamId } from '../../../kernel/message.ts';
import type { CommandRecord, CommandRecordInput } from '../../../ports/event-store.ts';

/**
 * An event as it is kept: what is looked for as fields, the rest as JSON text, so that nobody can change it from
 * outside and a long log costs the garbage collector one string an event.
 */
export interface LogRecord {
  readonly id: EventId;
  readonly stream: StreamId;
  readonly version: number;
  readonly position: number;
  readonly type: string;
  readonly correlationId: string;
  readonly recordedAt: string;
  readonly text: string;
}

/** A recorded command; the refusal as JSON text. */
export type StoredCommand = Omit<CommandRecord, 'refused'> & { readonly refusal?: string };

/** Data and metadata as JSON text. */
export function encodeEvent({ data, meta }: NewEvent): string {
  return JSON.stringify({ data, meta });
}

/** The event, made anew for each reader. */
export function decodeEvent({ id, stream, version, position, type, recordedAt, text }: LogRecord): RecordedEvent {
  const { data, meta }: Pick<RecordedEvent, 'data' | 'meta'> = JSON.parse(text);
  return { id, stream, version, position, type, data, meta, recordedAt };
}

export function encodeCommand(
  { id, fingerprint, refused }: CommandRecordInput,
  outcome: Pick<CommandRecord, 'version' | 'count' | 'position' | 'recordedAt'>,
): StoredCommand {
  return { id, fingerprint, ...outcome, ...(refused && { refusal: JSON.stringify(refused) }) };
}

/** What a duplicate is told. */
export function firstOutcome({ refusal, ...command }: StoredCommand): CommandRecord {
  return { ...command, ...(refusal !== undefined && { refused: JSON.parse(refusal) }) };
}
