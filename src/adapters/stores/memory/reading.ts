import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RecordedEvent } from '../../../kernel/message.ts';
import { matchesPattern } from '../../../ports/event-bus.ts';
import type { LogFilter, StreamRange } from '../../../ports/event-store.ts';
import type { Unpacker } from '../archive-codec.ts';
import { decodeEvent, type EventRecord } from './records.ts';

/** After how many events, or records looked at, a read lets others have their turn. */
const sliceEvents = 256;
const sliceRecords = 10_000;

/** One stream's events; `records` is asked anew for each slice, so a read sees what is appended meanwhile. */
export async function* readVersions(
  records: () => readonly EventRecord[],
  { from = 1, to = Number.POSITIVE_INFINITY, limit = Number.POSITIVE_INFINITY, backwards = false }: StreamRange,
  unpacker: Unpacker,
  assertOpen: () => void,
): AsyncGenerator<RecordedEvent> {
  assertOpen();
  const lowest = Math.max(from, 1);
  const step = backwards ? -1 : 1;
  let version = backwards ? Math.min(to, records().length) : lowest;
  for (let given = 0; given < limit && version >= lowest && version <= to; given += 1) {
    if (given > 0 && given % sliceEvents === 0) {
      await nextTurn();
      assertOpen();
    }
    const record = records()[version - 1];
    if (!record) return;
    yield decodeEvent(record, unpacker);
    version += step;
  }
}

/** The events of the log that the filter lets through. */
export async function* readLog(
  log: readonly EventRecord[],
  filter: LogFilter,
  unpacker: Unpacker,
  assertOpen: () => void,
): AsyncGenerator<RecordedEvent> {
  assertOpen();
  const { after = 0, to = Number.POSITIVE_INFINITY, limit = Number.POSITIVE_INFINITY } = filter;
  const matches = matcher(filter);
  let given = 0;
  let work = 0;
  for (let at = Math.max(after, 0); at < to && given < limit; at += 1) {
    const record = log[at];
    if (!record) return;
    work += 1;
    if (matches(record)) {
      given += 1;
      work += sliceRecords / sliceEvents;
      yield decodeEvent(record, unpacker);
    }
    if (work >= sliceRecords) {
      work = 0;
      await nextTurn();
      assertOpen();
    }
  }
}

function matcher({ types, pattern, correlationId }: LogFilter): (record: EventRecord) => boolean {
  const wanted = types && new Set(types);
  return ({ type, stream, correlationId: correlation }) =>
    (wanted === undefined || wanted.has(type)) &&
    (pattern === undefined || matchesPattern(pattern, stream.type, type)) &&
    (correlationId === undefined || correlationId === correlation);
}
