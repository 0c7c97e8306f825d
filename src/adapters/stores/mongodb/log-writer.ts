import type { Clock } from '../../../kernel/clock.ts';
import type { CommandId } from '../../../kernel/message.ts';
import type { AppendEntry, AppendOutcome, CommandRecord } from '../../../ports/event-store.ts';
import type { Chain } from './chain.ts';
import type { ClaimView } from './claim-views.ts';
import { commandIn } from './commit-documents.ts';
import { createDraft, type Draft } from './draft.ts';
import { type Judged, judge, judgedBy, type PreparedEntry, prepareEntry } from './judging.ts';
import type { LogView } from './log-view.ts';
import type { StreamView } from './stream-views.ts';

/** The one place of an instance that writes commits, one after another. */
export interface LogWriter {
  append(entries: readonly AppendEntry[]): Promise<readonly AppendOutcome[]>;
  /**
   * Decides on the state of the log and writes what the decision added to the draft, as the next commit; decides again
   * when another commit came first. A decision that adds nothing, or throws, is made on the log as it is at the time.
   * @param known what `decide` asks the views for, as often as it is decided.
   */
  write<Result>(known: () => Knowledge, decide: (draft: Draft) => Result): Promise<Result>;
  /** The record of a command, if it is remembered; of a view that is loaded. */
  recorded(stream: StreamView, id: CommandId): Promise<CommandRecord | undefined>;
}

/** What must be known before it can be decided. */
export interface Knowledge {
  readonly streams: readonly StreamView[];
  readonly claims: readonly ClaimView[];
}

export interface LogWriterOptions {
  readonly chain: Chain;
  readonly view: LogView;
  readonly clock: Clock;
  /** Of this instance, and nobody else's. */
  readonly instance: string;
  /** Up to which number all commits of this instance are in the documents that they are found by. */
  readonly done: () => number;
}

/** An entry on its way into a commit. */
interface Judging {
  readonly prepared: PreparedEntry;
  readonly outcomes: AppendOutcome[];
  by: Judged;
  /** In which commit its command id was recorded, and what is remembered of it. */
  first?: { readonly at: number | undefined; readonly record: CommandRecord | undefined };
}

interface Waiting {
  readonly prepared: readonly PreparedEntry[];
  readonly outcomes: AppendOutcome[];
  readonly settle: { resolve(outcomes: readonly AppendOutcome[]): void; reject(error: unknown): void };
}

/** A commit is full with so many bytes or entries. */
const fullBytes = 8_000_000;
const fullEntries = 2000;

export function createLogWriter({ chain, view, clock, instance, done }: LogWriterOptions): LogWriter {
  let waiting: Waiting[] = [];
  let pumping = false;
  let attempts = 0;
  let last: Promise<unknown> = Promise.resolve();

  /** One at a time, in the order of the calls. */
  const alone = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const turn = last.then(work, work);
    last = turn.catch(() => {});
    return turn;
  };

  const ensure = async (known: () => Knowledge) => {
    for (;;) {
      const { streams, claims } = known();
      if (streams.every(({ loaded }) => loaded) && claims.every(({ loaded }) => loaded)) return;
      await view.load(streams, claims);
    }
  };

  const decideAndWrite = async <Result>(
    ready: () => Promise<void>,
    decide: (draft: Draft) => Result,
  ): Promise<Result> => {
    for (;;) {
      await ready();
      const head = view.head();
      const draft = createDraft(head, clock.now());
      let result: Result;
      try {
        result = decide(draft);
      } catch (error) {
        if (error === notReady || (await view.refresh()).number !== head.number) continue;
        throw error;
      }
      attempts += 1;
      const next = draft.finish({ instance, attempt: attempts, done: done() });
      if (next === undefined) {
        // Nothing is written that could collide with what is not known, so it must be asked for.
        if ((await view.refresh()).number === head.number) return result;
        continue;
      }
      const there = await view.write(next);
      if (there === next.commit) return result;
      await view.refresh();
    }
  };

  const recorded = async (stream: StreamView, id: CommandId): Promise<CommandRecord | undefined> => {
    const number = stream.commands.get(id);
    const commit = number === undefined ? undefined : await chain.get(number);
    const record = commit && commandIn(commit, stream.stream, id);
    return record && Date.parse(record.recordedAt) >= view.head().horizon ? record : undefined;
  };

  /** Writes one commit with as many of the entries as it can take. */
  const commitSome = async (entries: readonly Pick<Waiting, 'outcomes' | 'prepared'>[]) => {
    const some = entries
      .flatMap(({ prepared, outcomes }) =>
        prepared.slice(outcomes.length).map((each) => ({ prepared: each, outcomes })),
      )
      .slice(0, fullEntries)
      .map((each): Judging => ({ ...each, by: judgedBy(view, each.prepared.entry) }));
    const ready = async () => {
      while (!some.every(isKnown)) {
        for (const one of some) if (!isKnown(one)) one.by = judgedBy(view, one.prepared.entry);
        await view.load(
          some.map(({ by }) => by.stream),
          some.flatMap(({ by }) => [...by.take, ...by.release]),
        );
      }
      for (const one of some) {
        const { command } = one.prepared.entry;
        const at = commandAt(one);
        if (command && at !== one.first?.at) one.first = { at, record: await recorded(one.by.stream, command.id) };
      }
    };
    const decided = await decideAndWrite(ready, (draft) => {
      const outcomes: AppendOutcome[] = [];
      for (const one of some) {
        if (outcomes.length > 0 && draft.bytes() + one.prepared.bytes > fullBytes) break;
        if (!isKnown(one) || commandAt(one) !== one.first?.at) throw notReady;
        outcomes.push(judge(draft, one.prepared, one.by, one.first?.record));
      }
      return outcomes;
    });
    for (const [at, outcome] of decided.entries()) some[at]?.outcomes.push(outcome);
  };

  const pump = async () => {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        await alone(async () => {
          while (batch.some(({ prepared, outcomes }) => outcomes.length < prepared.length)) await commitSome(batch);
        });
        for (const { settle, outcomes } of batch) settle.resolve(outcomes);
      } catch (error) {
        for (const { settle } of batch) settle.reject(error);
      }
    }
    pumping = false;
  };

  return {
    append: (entries) => {
      const prepared = entries.map(prepareEntry);
      return new Promise((resolve, reject) => {
        waiting.push({ prepared, outcomes: [], settle: { resolve, reject } });
        if (pumping) return;
        pumping = true;
        void pump();
      });
    },

    write: (known, decide) =>
      alone(() =>
        decideAndWrite(
          () => ensure(known),
          (draft) => {
            const { streams, claims } = known();
            if (![...streams, ...claims].every(({ loaded }) => loaded)) throw notReady;
            return decide(draft);
          },
        ),
      ),

    recorded,
  };
}

/** Thrown by a decision that lacks something which was there a moment ago. */
const notReady = new Error('not ready');

function isKnown({ by }: Judging): boolean {
  const { stream, take, release } = by;
  return isThere(stream) && take.every(isThere) && release.every(isThere);
}

const isThere = ({ loaded, forgotten }: Pick<StreamView, 'loaded' | 'forgotten'>) => loaded && !forgotten;

function commandAt({ prepared, by }: Judging): number | undefined {
  const { command } = prepared.entry;
  return command && by.stream.commands.get(command.id);
}
