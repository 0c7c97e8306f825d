import type { RecordedEvent, StreamId } from '../../../kernel/message.ts';
import { matchesPattern } from '../../../ports/event-bus.ts';
import type { LogFilter, StreamRange } from '../../../ports/event-store.ts';
import type { Archives } from './archives.ts';
import type { Chain, CommitFilter } from './chain.ts';
import { type Commit, eventsOf, type FoundEvent } from './commit-documents.ts';
import type { Connection } from './connection.ts';
import type { LogView } from './log-view.ts';
import type { StreamView } from './stream-views.ts';

export interface EventReading {
  readStream(stream: StreamId, range?: StreamRange): AsyncIterable<RecordedEvent>;
  readAll(filter?: LogFilter): AsyncIterable<RecordedEvent>;
}

/** A slice is about so much text, and at most so many commits. */
const sliceSize = 2_000_000;
const sliceMax = 64;

const everything = Number.MAX_SAFE_INTEGER;

/** Long reads in slices of bounded size. */
export function createReading(
  connection: Connection,
  { chain, view, archives }: { readonly chain: Chain; readonly view: LogView; readonly archives: Archives },
): EventReading {
  const complete = async ({ event, payload }: FoundEvent): Promise<RecordedEvent> => {
    const { data, meta } =
      payload === ''
        ? await connection.call(() => archives.payload(event.stream, event.version))
        : (JSON.parse(payload) as Pick<RecordedEvent, 'data' | 'meta'>);
    const { id, stream, version, position, type, recordedAt } = event;
    return { id, stream, version, position, type, data, meta, recordedAt };
  };

  /** The commits of these numbers, in order, read slice by slice. */
  async function* commitsOf(numbers: readonly number[]): AsyncGenerator<Commit, void, undefined> {
    let step = 2;
    for (let at = 0; at < numbers.length; ) {
      const some = numbers.slice(at, at + step);
      const commits = await connection.call(() => chain.getKnown(some));
      yield* commits;
      at += some.length;
      step = nextStep(commits);
    }
  }

  /** The numbers of the commits that may have something of the filter, from the first after a position. */
  async function* candidates(
    filter: LogFilter,
    from: number,
    to: number,
  ): AsyncGenerator<readonly number[], void, undefined> {
    const found = connection.scans ? undefined : foundBy(filter);
    for (let next = from; next <= to; ) {
      const first = next;
      const numbers = found
        ? await connection.call(() => chain.matching(found, first, to, sliceMax))
        : Array.from({ length: Math.min(sliceMax, to - next + 1) }, (_, at) => first + at);
      if (numbers.length > 0) yield numbers;
      if (numbers.length < sliceMax) return;
      next = (numbers.at(-1) ?? to) + 1;
    }
  }

  return {
    async *readStream(stream, { from = 1, to = everything, limit = everything, backwards = false } = {}) {
      connection.assertOpen();
      const known = await connection.call(async () => {
        await view.refresh();
        return loaded(view, stream);
      });
      const low = Math.max(from, 1);
      const numbers = numbersOf(known, low, to);
      let left = limit;
      for await (const commit of commitsOf(backwards ? numbers.toReversed() : numbers)) {
        if (left <= 0) return;
        const own = [...eventsOf(commit, stream)].filter(({ event }) => event.version >= low && event.version <= to);
        for (const found of backwards ? own.toReversed() : own) {
          if (left <= 0) return;
          left -= 1;
          yield await complete(found);
        }
      }
    },

    async *readAll(filter = {}) {
      connection.assertOpen();
      const { after = 0, to = everything, limit = everything } = filter;
      let left = limit;
      let reached = Math.max(after, 0);
      const matches = matcher(filter);
      // What is committed while this reads is read too, up to the end as it is then.
      while (left > 0 && reached < to) {
        const head = await connection.call(view.refresh);
        if (head.position <= reached) return;
        const first = await connection.call(() => chain.after(reached, head));
        for await (const numbers of candidates(filter, first, head.number)) {
          for await (const commit of commitsOf(numbers)) {
            if (commit.position >= to) return;
            for (const found of eventsOf(commit)) {
              if (found.event.position <= reached || found.event.position > to || !matches(found)) continue;
              yield await complete(found);
              left -= 1;
              if (left <= 0) return;
            }
          }
        }
        reached = head.position;
      }
    },
  };
}

/** The view of a stream, with everything that others have written. */
export async function loaded(view: LogView, stream: StreamId): Promise<StreamView> {
  const known = view.streams.of(stream);
  await view.streams.load(known);
  if (known.behind) await view.streams.catchUp(known);
  return known;
}

/** The commits that have the versions from `low` to `high`. */
function numbersOf({ commits, versions }: StreamView, low: number, high: number): readonly number[] {
  return commits.filter((_, at) => {
    const before = versions[at - 1] ?? 0;
    const after = versions[at] ?? 0;
    return after > before && after >= low && before < high;
  });
}

function nextStep(commits: readonly Commit[]): number {
  const size = commits.reduce((sum, commit) => sum + commit.size, 0) / Math.max(commits.length, 1);
  return Math.min(Math.max(Math.floor(sliceSize / Math.max(size, 1)), 1), sliceMax);
}

/** The one condition that commits are found by; the rarest. */
function foundBy({ correlationId, pattern, types }: LogFilter): CommitFilter | undefined {
  if (correlationId !== undefined) return { correlationId };
  if (pattern !== undefined && pattern !== '*.*') return { types: [pattern] };
  return types && { types: types.map((type) => `*.${type}`) };
}

function matcher({ types, pattern, correlationId }: LogFilter): (found: FoundEvent) => boolean {
  const wanted = types && new Set(types);
  return ({ event, correlationId: correlation }) =>
    (wanted === undefined || wanted.has(event.type)) &&
    (pattern === undefined || matchesPattern(pattern, event.stream.type, event.type)) &&
    (correlationId === undefined || correlationId === correlation);
}
