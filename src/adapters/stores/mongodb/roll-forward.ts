import { type ClaimDocument, type ClaimView, claimDocumentId } from './claim-views.ts';
import { streamKey } from './commit-documents.ts';
import type { Keyed } from './connection.ts';
import type { Documents } from './documents.ts';
import type { LogView, TailItem } from './log-view.ts';
import { type StreamDocument, type StreamView, streamDocumentId } from './stream-views.ts';

/** Where instances tell how far the documents are complete, so that the next one that opens reads the rest only. */
export interface MarkDocument extends Keyed {
  /** Every commit up to this one is in the documents. It may fall back, never be too high. */
  readonly n: number;
}

/**
 * Puts the commits into the documents that streams, commands and claims are found by: some time after they were written, many
 * at once, each instance its own; those of an instance that no longer does it are put there by whoever has read them.
 */
export interface RollForward {
  /** Begins soon, unless it is under way. */
  start(): void;
  /** Up to which number all commits of this instance are in the documents. */
  done(): number;
  /** What other instances told in their commits. */
  told(writer: string, done: number): void;
  /** Does everything that is left to do, and tells so. */
  finish(): Promise<void>;
}

export const markId = 'indexed';

/** How long commits gather before they are put into the documents: one for a stream's many. */
const gatherMs = 2000;

/** While there is more to write they gather on, so long or so many: who opens has to read them. */
const busyMs = 200;
const gatherMaxMs = 20_000;
const gatherMax = 1000;

/** After how long another's commit is taken over: it should have told by then. */
const takeOverMs = 40_000;

/** After how many commits the mark is told. */
const markEvery = 100;

/** How many documents go out at once. */
const sliceMax = 1000;

export interface RollForwardOptions {
  readonly view: LogView;
  readonly streams: Documents<StreamDocument>;
  readonly claims: Documents<ClaimDocument>;
  readonly marks: Documents<MarkDocument>;
  readonly instance: string;
  readonly mark: number;
}

export function createRollForward({ view, streams, claims, marks, instance, mark }: RollForwardOptions): RollForward {
  const doneBy = new Map<string, number>([[instance, 0]]);
  let told = mark;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;

  const done = () => doneBy.get(instance) ?? 0;
  const isDone = ({ number, writer }: TailItem) => number <= (doneBy.get(writer) ?? 0);

  const extendStream = async (known: StreamView): Promise<void> => {
    for (;;) {
      await view.streams.load(known);
      if (known.behind) await view.streams.catchUp(known);
      const first = known.commits.findIndex((commit) => commit > known.indexed);
      const n = known.commits.at(-1) ?? 0;
      if (first === -1) return;
      const commits = known.commits.slice(first);
      const inThese = new Set(commits);
      const doc: StreamDocument = {
        _id: streamDocumentId(known.key, known.docs + 1),
        n,
        last: known.last ?? '',
        commits: JSON.stringify(commits.map((commit, at) => [commit, known.versions[first + at]])),
        commands: JSON.stringify(newest(known.commands, inThese)),
      };
      const number = known.docs + 1;
      if ((await streams.insert(doc)).inserted) {
        if (known.docs + 1 === number) known.docs = number;
        known.indexed = Math.max(known.indexed, n);
        return;
      }
      await view.streams.catchUp(known);
    }
  };

  const extendClaim = async (known: ClaimView): Promise<void> => {
    for (;;) {
      await view.claims.load(known);
      if (known.changed <= known.indexed) return;
      const number = known.docs + 1;
      const { changed: n, holder } = known;
      const doc: ClaimDocument = {
        _id: claimDocumentId(known.claim, number),
        claim: JSON.stringify(known.claim),
        n,
        holder: holder ? streamKey(holder) : '',
        first: number === 1,
      };
      if ((await claims.insert(doc)).inserted) {
        if (known.docs + 1 === number) known.docs = number;
        known.indexed = Math.max(known.indexed, n);
        return;
      }
      await view.claims.catchUp(known);
    }
  };

  /** Puts what these commits touched into the documents, all of it up to now. */
  const extend = async (items: readonly TailItem[]) => {
    const touched = new Set(items.flatMap((item) => item.streams));
    const touchedClaims = new Set(items.flatMap((item) => item.claims));
    const work = [
      ...[...touched].map((one) => () => extendStream(one)),
      ...[...touchedClaims].map((one) => () => extendClaim(one)),
    ];
    for (let at = 0; at < work.length; at += sliceMax) {
      await Promise.all(work.slice(at, at + sliceMax).map((one) => one()));
    }
  };

  const pass = async (everything: boolean) => {
    const { number } = view.head();
    const dueMs = performance.now() - takeOverMs;
    view.settle(isDone);
    await extend(view.tail.filter(({ writer }) => writer === instance));
    doneBy.set(instance, number);
    const due = view.tail.filter((item) => !isDone(item) && (everything || item.seenMs < dueMs));
    await extend(due);
    const taken = new Set(due);
    view.settle((item) => isDone(item) || taken.has(item));
    view.streams.trim();
    view.claims.trim();
    const complete = (view.tail[0]?.number ?? view.head().number + 1) - 1;
    if (complete - told >= (everything ? 1 : markEvery)) {
      await marks.replace([{ _id: markId, n: complete }]);
      told = complete;
    }
  };

  const isBusy = () => {
    const nowMs = performance.now();
    const { 0: first, length } = view.tail;
    const last = view.tail.at(-1);
    if (first === undefined || last === undefined || length >= gatherMax) return false;
    return nowMs - last.seenMs < busyMs && nowMs - first.seenMs < gatherMaxMs;
  };

  const runNow = () => {
    clearTimeout(timer);
    timer = undefined;
    if (isBusy()) return schedule();
    running ??= pass(false)
      // Nothing is lost: the commits stay in the tail, and the next pass tries again.
      .catch(() => {})
      .then(() => {
        running = undefined;
        if (view.tail.length > 0) schedule();
      });
  };

  const schedule = () => {
    timer ??= setTimeout(runNow, gatherMs);
    timer.unref();
  };

  return {
    start: () => (view.tail.length >= gatherMax ? runNow() : schedule()),
    done,
    told(writer, number) {
      if (writer !== instance && number > (doneBy.get(writer) ?? 0)) doneBy.set(writer, number);
    },
    async finish() {
      clearTimeout(timer);
      await running;
      await pass(true);
    },
  };
}

/** The command ids that were recorded in these commits: the last of the map, as it grows in the order of commits. */
function newest(
  commands: StreamView['commands'],
  commits: ReadonlySet<number>,
): readonly (readonly [string, number])[] {
  const found: (readonly [string, number])[] = [];
  for (const [id, commit] of commands) if (commits.has(commit)) found.push([id, commit]);
  return found;
}
