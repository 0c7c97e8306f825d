import { type Clock, isoTime } from '../../../kernel/clock.ts';
import type { CommandId, StreamId } from '../../../kernel/message.ts';
import type { AppendEntry, AppendOutcome, EventStore } from '../../../ports/event-store.ts';
import { checkEntries, isExpected } from '../entries.ts';
import { createWatchers } from '../watchers.ts';
import { readLog, readVersions } from './reading.ts';
import { encodeCommand, encodeEvent, firstOutcome, type LogRecord, type StoredCommand } from './records.ts';
import { createTable } from './table.ts';

/** One stream: its events by version, and the commands it remembers. */
interface Stream {
  readonly id: StreamId;
  readonly records: LogRecord[];
  readonly commands: Map<CommandId, StoredCommand>;
}

/** The log: one array of records, and tables of streams and claims beside it. */
export function memoryEvents(clock: Clock, assertOpen: () => void): EventStore {
  const log: LogRecord[] = [];
  const streams = createTable<Stream>();
  const claims = new Map<string, Stream>();
  const watchers = createWatchers();
  /** In the order of recording, which is that of time. */
  const remembered: { readonly stream: Stream; readonly command: StoredCommand }[] = [];
  let lastRecordedAt = '';

  const judge = ({ stream: id, expected, command, take = [] }: AppendEntry): AppendOutcome | undefined => {
    const stream = streams.get(id);
    const known = command && stream?.commands.get(command.id);
    if (known) return { kind: 'duplicate', first: firstOutcome(known) };
    const last = stream?.records.at(-1);
    if (!isExpected(expected, last?.version ?? 0, last?.id)) return { kind: 'conflict', actual: last?.version ?? 0 };
    for (const claim of take) {
      const holder = claims.get(claim);
      if (holder && holder !== stream) return { kind: 'claimed', claim, by: holder.id };
    }
    return undefined;
  };

  const store = (entry: AppendEntry, texts: readonly string[], recordedAt: string): AppendOutcome => {
    const { events, command, take = [], release = [] } = entry;
    const stream = streams.getOrMake(entry.stream, (id) => ({ id, records: [], commands: new Map() }));
    for (const [at, { id, type, meta }] of events.entries()) {
      const record: LogRecord = {
        id,
        stream: stream.id,
        version: stream.records.length + 1,
        position: log.length + 1,
        type,
        correlationId: meta.correlationId,
        recordedAt,
        text: texts[at] ?? '',
      };
      stream.records.push(record);
      log.push(record);
    }
    for (const claim of release) if (claims.get(claim) === stream) claims.delete(claim);
    for (const claim of take) claims.set(claim, stream);
    const outcome = { version: stream.records.length, position: log.length, recordedAt };
    if (command) {
      const stored = encodeCommand(command, { ...outcome, count: events.length });
      stream.commands.set(command.id, stored);
      remembered.push({ stream, command: stored });
    }
    return { kind: 'committed', ...outcome };
  };

  return {
    async append(entries) {
      assertOpen();
      checkEntries(entries);
      // All that can throw comes before the first change.
      const texts = entries.map(({ events }) => events.map(encodeEvent));
      const head = log.length;
      const now = isoTime(clock);
      if (now > lastRecordedAt) lastRecordedAt = now;
      const outcomes = entries.map((entry, at) => judge(entry) ?? store(entry, texts[at] ?? [], lastRecordedAt));
      if (log.length > head) watchers.wake();
      return outcomes;
    },

    readStream: (stream, range = {}) => readVersions(() => streams.get(stream)?.records ?? [], range, assertOpen),

    readAll: (filter = {}) => readLog(log, filter, assertOpen),

    async streamHead(stream) {
      assertOpen();
      const last = streams.get(stream)?.records.at(-1);
      return last ? { version: last.version, eventId: last.id } : { version: 0 };
    },

    async head() {
      assertOpen();
      return log.length;
    },

    async claimHolders(wanted) {
      assertOpen();
      const holders = new Map<string, StreamId>();
      for (const claim of wanted) {
        const holder = claims.get(claim);
        if (holder) holders.set(claim, holder.id);
      }
      return holders;
    },

    async forgetCommandIds(before) {
      assertOpen();
      const kept = remembered.findIndex(({ command }) => command.recordedAt >= before);
      const forgotten = kept === -1 ? remembered.splice(0) : remembered.splice(0, kept);
      for (const { stream, command } of forgotten) stream.commands.delete(command.id);
      return forgotten.length;
    },

    watch(wake) {
      assertOpen();
      return watchers.add(wake);
    },
  };
}
