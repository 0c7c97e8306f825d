import { failure } from '../../kernel/errors.ts';
import type { AppendEntry } from '../../ports/event-store.ts';
import { maxEntries, maxIdBytes } from '../../ports/event-store.ts';

/** Refuses what no store may take, before anything is written.
 * @throws INVALID_ID, MALFORMED_REQUEST */
export function checkEntries(entries: readonly AppendEntry[]): void {
  checkCount(entries.length, 'entries in one append');
  for (const { stream, events, command } of entries) {
    checkCount(events.length, 'events in one entry');
    checkId(stream.type);
    checkId(stream.id);
    if (command) checkId(command.id);
  }
}

/** Text that every database can hold and index: U+0000 and halves of surrogate pairs are not storable everywhere. */
function checkId(text: string): void {
  // A UTF-16 unit takes at most 3 bytes of UTF-8, so a short text needs no counting.
  const fits = text.length > 0 && (text.length * 3 <= maxIdBytes || Buffer.byteLength(text) <= maxIdBytes);
  if (fits && text.isWellFormed() && !text.includes('\0')) return;
  throw failure('INVALID_ID', {
    expected: `1…${maxIdBytes} bytes of well-formed text without U+0000`,
    found: `${Buffer.byteLength(text)} bytes: ${JSON.stringify(text.slice(0, 40))}`,
    remedy: 'Use a shorter or cleaner id, such as a UUID.',
  });
}

function checkCount(count: number, what: string): void {
  if (count > maxEntries) {
    throw failure('MALFORMED_REQUEST', { expected: `at most ${maxEntries} ${what}`, found: String(count) });
  }
}
