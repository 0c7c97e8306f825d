import { failure } from '../../kernel/errors.ts';
import type { NewEvent } from '../../kernel/message.ts';

/** The longest event data, in bytes of JSON. */
const maxEventBytes = 16 * 1024 * 1024;

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
