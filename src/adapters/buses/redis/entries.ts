import type { RecordedEvent } from '../../../kernel/message.ts';
import { toStructured } from '../cloud-events.ts';

/** An entry of a stream as the server gives it: its id, then names and values in turn. */
export type Entry = readonly [id: string, fields: readonly string[]];

/**
 * The event as the fields of an entry. CloudEvents has no binding for Redis: `cloudevent` is its JSON format, `type` the
 * attribute once more, so that who reads need not parse what is not for him. A field for each attribute would cost four
 * times as much as the event itself, in the driver.
 */
export function fieldsOf(
  event: RecordedEvent,
  namespace: string,
): { readonly fields: string[]; readonly bytes: number } {
  const fields = ['type', `${event.stream.type}.${event.type}`, 'cloudevent', toStructured(event, namespace)];
  return { fields, bytes: bytesOf(fields) };
}

/** The value of the field of this name. */
export function fieldOf(fields: readonly string[], name: string): string | undefined {
  for (let at = 0; at < fields.length; at += 2) if (fields[at] === name) return fields[at + 1];
  return undefined;
}

/** What an entry takes, about. */
export function bytesOf(fields: readonly string[]): number {
  return fields.reduce((bytes, field) => bytes + Buffer.byteLength(field), 64);
}
