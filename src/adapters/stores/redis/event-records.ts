import type { EventId, NewEvent, RecordedEvent, StreamId } from '../../../kernel/message.ts';
import type { CommandRecord, CommandRecordInput } from '../../../ports/event-store.ts';
import type { Payload } from '../archive-codec.ts';
import { encodeData } from '../event-data.ts';

/**
 * The most that one append may hold altogether; a server ends connections that send it more than a gigabyte at once.
 */
export const maxAppendBytes = 256 * 1024 * 1024;

/** An event as it is stored: all of it, or with the first version of the pack that data and metadata are in. */
export type StoredEvent = Omit<RecordedEvent, 'data' | 'meta'> & (Payload | { readonly pack: number });

/** All of an event's JSON that is known before it is recorded; the script puts place and time in front.
 * @throws EVENT_TOO_LARGE */
export function encodeEvent(stream: StreamId, event: NewEvent): string {
  const { id, type, meta } = event;
  const own = JSON.stringify({ id, stream: { type: stream.type, id: stream.id }, type }).slice(1, -1);
  return `${own},"data":${encodeData(event)},"meta":${JSON.stringify(meta)}}`;
}

/** An event as another store recorded it, whole. */
export function encodeRecorded({ position, version, recordedAt, ...event }: RecordedEvent): string {
  return `${placeText(position, version, recordedAt)}${encodeEvent(event.stream, event)}`;
}

/** What an event's JSON begins with, up to its id. */
export function encodeBeginning({ position, version, recordedAt, id }: RecordedEvent): string {
  return `${placeText(position, version, recordedAt)}"id":${JSON.stringify(id)},`;
}

/** What follows once data and metadata are in the pack that begins at a version. */
export function encodePacked({ stream, type }: RecordedEvent, pack: number): string {
  return JSON.stringify({ stream: { type: stream.type, id: stream.id }, type, pack }).slice(1);
}

export function decodeStored(text: string): StoredEvent {
  return JSON.parse(text);
}

/** All of a command record's JSON that is known before it is recorded; the script puts place and time in front. */
export function encodeCommand({ id, fingerprint, refused }: CommandRecordInput): string {
  return JSON.stringify({ id, fingerprint, ...(refused && { refused }) }).slice(1);
}

/** A command as another store recorded it, whole. */
export function encodeRecordedCommand({ id, fingerprint, refused, ...outcome }: CommandRecord): string {
  const { version, count, position, recordedAt } = outcome;
  return JSON.stringify({ version, count, position, recordedAt, id, fingerprint, ...(refused && { refused }) });
}

export function decodeCommand(text: string): CommandRecord {
  const { version, count, position, recordedAt, id, fingerprint, refused } = JSON.parse(text) as CommandRecord;
  return { id, fingerprint, version, count, position, recordedAt, ...(refused && { refused }) };
}

/** A stream's head is stored as its version, a space and the id of its last event. */
export function decodeHead(text: string | null): { readonly version: number; readonly eventId?: EventId } {
  if (text === null) return { version: 0 };
  const end = text.indexOf(' ');
  return { version: Number(text.slice(0, end)), eventId: text.slice(end + 1) as EventId };
}

const placeText = (position: number, version: number, recordedAt: string) =>
  `{"position":${position},"version":${version},"recordedAt":"${recordedAt}",`;
