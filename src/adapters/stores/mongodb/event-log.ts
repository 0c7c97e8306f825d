import type { StreamId } from '../../../kernel/message.ts';
import type { EventStore } from '../../../ports/event-store.ts';
import { checkEntries } from '../entries.ts';
import type { Watchers } from '../watchers.ts';
import type { Archives } from './archives.ts';
import type { Chain } from './chain.ts';
import { commandsOf } from './commit-documents.ts';
import type { Connection } from './connection.ts';
import { type EventReading, loaded } from './event-reading.ts';
import type { LogView } from './log-view.ts';
import type { LogWriter } from './log-writer.ts';
import { versionOf } from './stream-views.ts';

export interface EventLogParts {
  readonly chain: Chain;
  readonly view: LogView;
  readonly writer: LogWriter;
  readonly reading: EventReading;
  readonly archives: Archives;
  readonly watchers: Watchers;
}

/** The log: a chain of commits, docs/decisions/0007. */
export function mongodbEvents(connection: Connection, parts: EventLogParts): EventStore {
  const { chain, view, writer, reading, archives, watchers } = parts;
  const { call } = connection;

  const headOf = async (stream: StreamId) => {
    await view.refresh();
    const known = await loaded(view, stream);
    const version = versionOf(known);
    return { known, head: version > 0 && known.last ? { version, eventId: known.last } : { version: 0 } };
  };

  /** How many commands recorded from one time on and before another the commits have, and from where on there are later ones. */
  const countCommands = async (fromMs: number, beforeMs: number) => {
    const { kept, restored, number: last } = view.head();
    let count = 0;
    let later: number | undefined;
    for (let number = Math.max(kept, 1); number <= last; number += 1) {
      const commit = await chain.get(number);
      if (commit === undefined || (commit.at >= beforeMs && number > restored)) break;
      const times = commandsOf(commit).map(({ record }) => Date.parse(record.recordedAt));
      count += times.filter((time) => time >= fromMs && time < beforeMs).length;
      if (times.some((time) => time >= beforeMs)) later ??= number;
    }
    return { count, later };
  };

  return {
    append: (entries) =>
      call(async () => {
        checkEntries(entries);
        return writer.append(entries);
      }),

    readStream: reading.readStream,

    readAll: reading.readAll,

    streamHead: (stream) => call(async () => (await headOf(stream)).head),

    head: () => call(async () => (await view.refresh()).position),

    claimHolders: (claims) =>
      call(async () => {
        await view.refresh();
        const known = claims.map(view.claims.of);
        await view.load([], known);
        const holders = new Map<string, StreamId>();
        for (const { claim, holder } of known) if (holder) holders.set(claim, { type: holder.type, id: holder.id });
        return holders;
      }),

    forgetCommandIds: (before) =>
      call(async () => {
        const beforeMs = Date.parse(before);
        for (;;) {
          const { horizon, number } = await view.refresh();
          if (beforeMs <= horizon) return 0;
          const { count, later } = await countCommands(horizon, beforeMs);
          const isForgotten = await writer.write(nothingKnown, (draft) => {
            if (draft.head.horizon !== horizon || draft.head.restored > number) return false;
            if (count > 0) draft.forget(beforeMs, later ?? number + 1);
            return true;
          });
          if (isForgotten) return count;
        }
      }),

    archive: (stream, at) =>
      call(async () => {
        const isThere = async () => {
          const { known, head } = await headOf(stream);
          return head.version > 0 && head.version === at.version && head.eventId === at.eventId ? known : undefined;
        };
        if (!(await isThere())) return false;
        await archives.pack(stream, (from) => reading.readStream(stream, { from, to: at.version }));
        const known = await isThere();
        await archives.strip(stream, known?.commits ?? (await loaded(view, stream)).commits);
        return known !== undefined;
      }),

    watch(wake) {
      connection.assertOpen();
      return watchers.add(wake);
    },
  };
}

const nothingKnown = () => ({ streams: [], claims: [] });
