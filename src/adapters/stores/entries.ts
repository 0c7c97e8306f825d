import { failure } from '../../kernel/errors.ts';
import type { AppendEntry, ExpectedVersion } from '../../ports/event-store.ts';
import { isUsableId, maxEntries, maxIdBytes } from '../../ports/event-store.ts';

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

/** @throws INVALID_ID */
export function checkId(text: string): void {
  if (isUsableId(text)) return;
  throw failure('INVALID_ID', {
    expected: `1…${maxIdBytes} bytes of well-formed text without U+0000`,
    found: `${Buffer.byteLength(text)} bytes: ${JSON.stringify(text.slice(0, 40))}`,
    remedy: 'Use a shorter or cleaner id, such as a UUID.',
  });
}

/** @throws MALFORMED_REQUEST */
export function checkCount(count: number, what: string): void {
  if (count > maxEntries) {
    throw failure('MALFORMED_REQUEST', { expected: `at most ${maxEntries} ${what}`, found: String(count) });
  }
}

/** Whether a stream at this version, with this last event, is where the entry expects it. */
export function isExpected(expected: ExpectedVersion, version: number, lastEvent: string | null | undefined): boolean {
  switch (expected) {
    case 'any':
      return true;
    case 'none':
      return version === 0;
    case 'exists':
      return version > 0;
    default:
      if (typeof expected === 'number') return version === expected;
      return version === expected.version && lastEvent === expected.eventId;
  }
}
