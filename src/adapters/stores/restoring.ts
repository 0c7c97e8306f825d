import { failure } from '../../kernel/errors.ts';
import type { EventId, RecordedEvent, StreamId } from '../../kernel/message.ts';
import type { CommandRecord } from '../../ports/event-store.ts';
import type { LogPart, LogRecord } from '../../ports/transfer.ts';
import { checkCount, checkId } from './entries.ts';

/** The log that a part is to be written to, as it stands. */
export interface RestoreTarget {
  /** The last position, and when it was recorded; 0 and '' in an empty log. */
  readonly head: number;
  readonly recordedAt: string;
  /** The id of the event at a position that the log has. */
  eventIdAt(position: number): EventId | undefined;
  /** The version that a stream has. */
  versionOf(stream: StreamId): number;
}

/** Refuses what no store may take, before anything is asked of it.
 * @throws INVALID_ID, MALFORMED_REQUEST, or IMPORT_CONFLICT when a record is there twice */
export function checkPart({ events, records }: LogPart): void {
  checkCount(events.length, 'events in one part');
  checkCount(records.length, 'records in one part');
  for (const { stream } of events) checkStream(stream);
  const seen = new Set<string>();
  for (const record of records) {
    const key = JSON.stringify(checkedKey(record));
    if (seen.has(key)) throw conflict('each record once in a part', key);
    seen.add(key);
  }
}

/** Those events of a part that the log doesn't have yet, each fitting behind the one before.
 * @throws IMPORT_CONFLICT */
export function freshEvents(events: readonly RecordedEvent[], target: RestoreTarget): readonly RecordedEvent[] {
  const fresh: RecordedEvent[] = [];
  const versions = new Map<string, number>();
  let last = { position: target.head, recordedAt: target.recordedAt };
  for (const event of events) {
    const { id, position, recordedAt, stream, version } = event;
    if (position >= 1 && position <= target.head && fresh.length === 0) {
      const found = target.eventIdAt(position);
      if (found !== id) throw conflict(`event ${id} at position ${position}`, `event ${found}`);
      continue;
    }
    if (position !== last.position + 1) throw conflict(`an event at position ${last.position + 1}`, String(position));
    if (recordedAt < last.recordedAt) throw conflict(`a time from ${last.recordedAt} on`, recordedAt);
    const key = JSON.stringify([stream.type, stream.id]);
    const before = versions.get(key) ?? target.versionOf(stream);
    if (version !== before + 1) throw conflict(`version ${before + 1} of ${named(stream)}`, String(version));
    versions.set(key, version);
    fresh.push(event);
    last = event;
  }
  return fresh;
}

/** Whether a command record is to be written, given what is stored of that command. @throws IMPORT_CONFLICT */
export function isFreshCommand(stream: StreamId, record: CommandRecord, stored: CommandRecord | undefined): boolean {
  if (stored === undefined) return true;
  const same =
    stored.fingerprint === record.fingerprint &&
    stored.version === record.version &&
    stored.count === record.count &&
    stored.position === record.position;
  if (same) return false;
  throw conflict(`command ${record.id} of ${named(stream)} at version ${record.version}`, `version ${stored.version}`);
}

/** Whether a claim is to be written, given who holds it. @throws IMPORT_CONFLICT */
export function isFreshClaim(claim: string, stream: StreamId, holder: StreamId | undefined): boolean {
  if (holder === undefined) return true;
  if (holder.type === stream.type && holder.id === stream.id) return false;
  throw conflict(`claim ${claim} to be held by ${named(stream)}`, named(holder));
}

/** What there can be one of only. */
function checkedKey(record: LogRecord): readonly string[] {
  switch (record.kind) {
    case 'command':
      checkId(record.record.id);
      checkStream(record.stream);
      return [record.kind, record.stream.type, record.stream.id, record.record.id];
    case 'claim':
      checkStream(record.stream);
      return [record.kind, record.claim];
    case 'cursor': {
      const { subscription, stream } = record.cursor;
      checkStream(stream);
      return [record.kind, subscription, stream.type, stream.id];
    }
    case 'checkpoint':
      return [record.kind, record.name];
  }
}

function checkStream({ type, id }: StreamId): void {
  checkId(type);
  checkId(id);
}

const named = ({ type, id }: StreamId) => `${type} ${id}`;

function conflict(expected: string, found: string) {
  return failure('IMPORT_CONFLICT', { expected, found, remedy: 'Import into an empty store.' });
}
