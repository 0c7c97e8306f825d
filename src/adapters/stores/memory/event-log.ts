import { type Clock, isoTime } from '../../../kernel/clock.ts';
import type { StreamId } from '../../../kernel/message.ts';
import type { AppendEntry, AppendOutcome, EventStore, StreamRange } from '../../../ports/event-store.ts';
import { createUnpacker, packEvents } from '../archive-codec.ts';
import { checkEntries, isExpected } from '../entries.ts';
import { createWatchers } from '../watchers.ts';
import type { LogState } from './log-state.ts';
import { readLog, readVersions } from './reading.ts';
import { encodePayload, firstOutcome } from './records.ts';

export function memoryEvents(state: LogState, clock: Clock, assertOpen: () => void): EventStore {
  const { log, streams, claims, remembered } = state;
  const watchers = createWatchers();
  const unpacker = createUnpacker();

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
    const stream = state.streamOf(entry.stream);
    for (const [at, event] of events.entries()) state.add(stream, event, texts[at] ?? '', recordedAt);
    for (const claim of release) if (claims.get(claim) === stream) claims.delete(claim);
    for (const claim of take) claims.set(claim, stream);
    const outcome = { version: stream.records.length, position: log.length, recordedAt };
    if (command) {
      state.remember(stream, { ...command, ...outcome, count: events.length });
    }
    return { kind: 'committed', ...outcome };
  };

  const readStream = (stream: StreamId, range: StreamRange = {}) =>
    readVersions(() => streams.get(stream)?.records ?? [], range, unpacker, assertOpen);

  return {
    async append(entries) {
      assertOpen();
      checkEntries(entries);
      // All that can throw comes before the first change.
      const texts = entries.map(({ events }) => events.map(encodePayload));
      const head = log.length;
      const now = isoTime(clock);
      const recordedAt = now > state.lastRecordedAt ? now : state.lastRecordedAt;
      const outcomes = entries.map((entry, at) => judge(entry) ?? store(entry, texts[at] ?? [], recordedAt));
      if (log.length > head) watchers.wake();
      return outcomes;
    },

    readStream,

    readAll: (filter = {}) => readLog(log, filter, unpacker, assertOpen),

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

    async archive(id, at) {
      assertOpen();
      const records = streams.get(id)?.records ?? [];
      const isThere = () => {
        const last = records.at(-1);
        return last !== undefined && last.version === at.version && last.id === at.eventId;
      };
      if (!isThere()) return false;
      const from = 1 + records.findLastIndex(({ payload }) => typeof payload !== 'string') + 1;
      for await (const packed of packEvents(readStream(id, { from, to: at.version }))) {
        for (const record of records.slice(packed.from - 1, packed.to)) record.payload = packed;
      }
      return isThere();
    },

    watch(wake) {
      assertOpen();
      return watchers.add(wake);
    },
  };
}
