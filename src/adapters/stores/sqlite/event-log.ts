import type { Clock } from '../../../kernel/clock.ts';
import type { StreamId } from '../../../kernel/message.ts';
import type { AppendEntry, AppendOutcome, EventStore } from '../../../ports/event-store.ts';
import { packEvents } from '../archive-codec.ts';
import { checkEntries, isExpected } from '../entries.ts';
import { encodeData } from '../event-data.ts';
import { createWatchers } from '../watchers.ts';
import { sqliteArchives } from './archives.ts';
import type { Claims } from './claims.ts';
import type { Commands } from './commands.ts';
import type { Database } from './database.ts';
import { sqliteReading } from './event-reading.ts';
import { eventInserter, isoText } from './event-rows.ts';
import type { EventTypes } from './event-types.ts';
import type { StoredStream, Streams } from './streams.ts';

/** The tables beside the events. */
export interface LogParts {
  readonly streams: Streams;
  readonly types: EventTypes;
  readonly claims: Claims;
  readonly commands: Commands;
}

/** Where the log stands while a transaction writes it. */
interface Head {
  position: number;
  readonly recordedAtMs: number;
  readonly recordedAt: string;
}

/** The log. What happens when the process dies at any line of `append` is in docs/decisions/0003. */
export function sqliteEvents(db: Database, parts: LogParts, clock: Clock): EventStore {
  const { streams, types, claims, commands } = parts;
  const archives = sqliteArchives(db);
  const reading = sqliteReading(db, streams, types, archives);
  const watchers = createWatchers();
  const lastRecorded = db.prepare<[recordedAt: number]>(`SELECT max(
    coalesce((SELECT recorded_at FROM events ORDER BY position DESC LIMIT 1), 0),
    coalesce((SELECT recorded_at FROM commands ORDER BY key DESC LIMIT 1), 0))`);
  const insertEvent = eventInserter(db);

  // Reads see what the same transaction wrote, so each entry is judged on those before it.
  const judge = ({ expected, command, take }: AppendEntry, found: StoredStream | undefined) => {
    const known = found && command && commands.find(found.key, command.id);
    if (known) return { kind: 'duplicate', first: known } as const;
    if (!isExpected(expected, found?.version ?? 0, found?.lastEvent))
      return { kind: 'conflict', actual: found?.version ?? 0 } as const;
    for (const claim of take ?? []) {
      const holder = claims.holder(claim);
      if (holder === undefined || holder === found?.key) continue;
      return { kind: 'claimed', claim, by: streams.named(holder) } as const;
    }
    return undefined;
  };

  const store = (entry: AppendEntry, data: readonly string[], found: StoredStream | undefined, head: Head) => {
    const { stream, events, command, take = [], release = [] } = entry;
    const before = found?.version ?? 0;
    const version = before + events.length;
    const lastEvent = events.at(-1)?.id;
    let key = found?.key;
    if (key !== undefined) {
      if (lastEvent !== undefined) streams.advance(key, version, lastEvent);
    } else if (lastEvent !== undefined || command || take.length > 0) {
      key = streams.add(stream, version, lastEvent ?? null);
    }
    if (key !== undefined) {
      for (const [at, event] of events.entries()) {
        head.position += 1;
        const type = types.keyFor(stream.type, event.type);
        insertEvent(event, { ...head, stream: key, version: before + 1 + at, type }, data[at]);
      }
      for (const claim of release) claims.release(claim, key);
      for (const claim of take) claims.take(claim, key);
      if (command) commands.add(key, command, { version, count: events.length, ...head });
    }
    return { kind: 'committed', version, position: head.position, recordedAt: head.recordedAt } as const;
  };

  return {
    async append(entries) {
      db.assertOpen();
      checkEntries(entries);
      const data = entries.map(({ events }) => events.map(encodeData));
      try {
        const { outcomes, hasEvents } = await db.write(() => {
          const start = reading.head();
          const recordedAtMs = Math.max(clock.now(), lastRecorded.get()?.[0] ?? 0);
          const head: Head = { position: start, recordedAtMs, recordedAt: isoText(recordedAtMs) };
          const outcomes = entries.map((entry, at): AppendOutcome => {
            const found = streams.find(entry.stream);
            return judge(entry, found) ?? store(entry, data[at] ?? [], found, head);
          });
          return { outcomes, hasEvents: head.position > start };
        });
        if (hasEvents) watchers.wake();
        return outcomes;
      } catch (error) {
        types.forget();
        throw error;
      }
    },

    readStream: reading.readStream,

    readAll: reading.readAll,

    async streamHead(stream) {
      const found = await db.read(() => streams.find(stream));
      if (!found || found.lastEvent === null) return { version: 0 };
      return { version: found.version, eventId: found.lastEvent };
    },

    head: () => db.read(reading.head),

    claimHolders: (wanted) =>
      db.read(() => {
        const holders = new Map<string, StreamId>();
        for (const claim of wanted) {
          const key = claims.holder(claim);
          if (key !== undefined) holders.set(claim, streams.named(key));
        }
        return holders;
      }),

    forgetCommandIds: commands.forget,

    async archive(stream, at) {
      const isThere = (found: StoredStream | undefined): found is StoredStream =>
        found !== undefined && at.version > 0 && found.version === at.version && found.lastEvent === at.eventId;
      for (let steps = 1; steps > 0; ) {
        const found = await db.read(() => streams.find(stream));
        if (!isThere(found)) return false;
        const from = 1 + (await db.read(() => archives.packedTo(found.key)));
        if (from > at.version) return true;
        steps = 0;
        for await (const packed of packEvents(reading.readStream(stream, { from, to: at.version }))) {
          steps += 1;
          const isNext = await db.write(() => {
            // Another process may pack the same stream.
            if (!isThere(streams.find(stream)) || archives.packedTo(found.key) !== packed.from - 1) return false;
            archives.add(found.key, packed);
            return true;
          });
          if (!isNext) break;
        }
      }
      // A file that lacks events of the stream.
      return false;
    },

    watch(wake) {
      db.assertOpen();
      return watchers.add(wake);
    },
  };
}
