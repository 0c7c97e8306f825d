import type { EventId, StreamId } from '../kernel/message.ts';
import type { AppendEntry, AppendOutcome, CommandRecord } from '../ports/event-store.ts';

/** The time that the model puts where the store puts its own. */
export const noTime = '';

/** What an append does, as plainly as it can be said: the yardstick for random batches. */
export interface AppendModel {
  /** The outcomes a store must give, times aside. */
  append(entries: readonly AppendEntry[]): readonly AppendOutcome[];
  /** The ids of all events, by position. */
  readonly log: readonly { readonly stream: StreamId; readonly id: EventId }[];
  readonly claims: ReadonlyMap<string, StreamId>;
}

export function createAppendModel(): AppendModel {
  const log: { stream: StreamId; id: EventId }[] = [];
  const commands: { stream: StreamId; record: CommandRecord }[] = [];
  const claims = new Map<string, StreamId>();
  const eventsOf = (stream: StreamId) => log.filter((event) => isSame(event.stream, stream));

  const judge = ({ stream, expected, events, command, take = [], release = [] }: AppendEntry): AppendOutcome => {
    const known = commands.find((each) => isSame(each.stream, stream) && each.record.id === command?.id);
    if (known) return { kind: 'duplicate', first: known.record };

    const actual = eventsOf(stream).length;
    const fits = {
      any: () => true,
      none: () => actual === 0,
      exists: () => actual > 0,
    };
    const isExpected =
      typeof expected === 'string'
        ? fits[expected]()
        : typeof expected === 'number'
          ? actual === expected
          : actual === expected.version && eventsOf(stream).at(-1)?.id === expected.eventId;
    if (!isExpected) return { kind: 'conflict', actual };

    for (const claim of take) {
      const by = claims.get(claim);
      if (by && !isSame(by, stream)) return { kind: 'claimed', claim, by };
    }

    for (const { id } of events) log.push({ stream, id });
    for (const claim of release) {
      const by = claims.get(claim);
      if (by && isSame(by, stream)) claims.delete(claim);
    }
    for (const claim of take) claims.set(claim, stream);
    const outcome = { version: actual + events.length, position: log.length, recordedAt: noTime };
    if (command) commands.push({ stream, record: { ...command, ...outcome, count: events.length } });
    return { kind: 'committed', ...outcome };
  };

  return { append: (entries) => entries.map(judge), log, claims };
}

function isSame(a: StreamId, b: StreamId): boolean {
  return a.type === b.type && a.id === b.id;
}
