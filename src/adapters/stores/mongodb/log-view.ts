import type { CommandId } from '../../../kernel/message.ts';
import type { Chain } from './chain.ts';
import { type ClaimView, type ClaimViews, claimKey } from './claim-views.ts';
import type { Commit } from './commit-documents.ts';
import type { DraftCommit } from './draft.ts';
import type { KeyFilter } from './key-filter.ts';
import type { StreamView, StreamViews } from './stream-views.ts';

/** Where the chain ends, as far as it was read. */
export interface Head {
  /** Of the last commit; 0 before the first. */
  readonly number: number;
  readonly position: number;
  readonly at: number;
  readonly eventAt: number;
  readonly horizon: number;
  readonly kept: number;
  readonly restored: number;
}

/** A commit whose streams and claims may not be in the documents that they are found by. */
export interface TailItem {
  readonly number: number;
  readonly writer: string;
  readonly streams: readonly StreamView[];
  readonly claims: readonly ClaimView[];
  readonly seenMs: number;
}

/**
 * What an instance knows of the log: every commit up to `head` is in the views, or in documents from which a view is
 * loaded. What is judged by it holds as of `head`, so it may be committed as the next number, and only as that.
 */
export interface LogView {
  head(): Head;
  /** Writes the next commit, and takes in the one that has its number then. */
  write(next: DraftCommit): Promise<Commit>;
  /** Reads on until a commit is missing: of a state that was the last at some time after the call. */
  refresh(): Promise<Head>;
  /** Makes sure that these are known as of `head`. */
  load(streams: readonly StreamView[], claims: readonly ClaimView[]): Promise<void>;
  readonly streams: StreamViews;
  readonly claims: ClaimViews;
  /** The commits that may not be in the documents yet, ascending. */
  readonly tail: TailItem[];
  /** Forgets of the tail what the documents are known to tell. */
  settle(isDone: (item: TailItem) => boolean): void;
}

/** So soon after a write the next one begins, under load. */
const nextWriteMs = 2;

/** How many commits are read at once by who is far behind. */
const refreshMax = 64;

export function createLogView(
  {
    chain,
    streams,
    claims,
    filter,
  }: {
    readonly chain: Pick<Chain, 'has' | 'getAll' | 'following' | 'insert'>;
    readonly streams: StreamViews;
    readonly claims: ClaimViews;
    readonly filter: KeyFilter;
  },
  start: Head,
  onApplied: (commit: Commit) => void,
): LogView {
  let head = start;
  const tail: TailItem[] = [];
  let running: Promise<Head> | undefined;
  let next: Promise<Head> | undefined;
  let writing: Promise<unknown> | undefined;
  /** How many writes have begun, and which was the last that came first. */
  let begun = 0;
  let confirmed = 0;
  let wroteMs = Number.NEGATIVE_INFINITY;
  /** Who wants to know where the chain ends. A write that begins after they came tells as well as a question. */
  const riders = new Set<Rider>();

  /** Takes in the next commit; one that is known already changes nothing. */
  const apply = (commit: Commit) => {
    if (commit.number !== head.number + 1) return;
    const touchedStreams = new Set<StreamView>();
    const touchedClaims = new Set<ClaimView>();
    for (const { stream, version, events = [], command, take = [], release = [] } of commit.entries) {
      if (events.length > 0 || command) {
        const view = streams.of(stream);
        filter.add(view.key);
        touchedStreams.add(view);
        addTo(view, commit.number, version + events.length, events.at(-1)?.[0], command?.id);
      }
      for (const claim of [...release, ...take]) {
        const view = claims.of(claim);
        filter.add(claimKey(claim));
        touchedClaims.add(view);
        if (commit.number < view.changed) continue;
        view.holder = take.includes(claim) ? stream : undefined;
        view.changed = commit.number;
      }
    }
    const { number, writer } = commit;
    tail.push({
      number,
      writer,
      streams: [...touchedStreams],
      claims: [...touchedClaims],
      seenMs: performance.now(),
    });
    const { at, eventAt, horizon, kept, restored } = commit;
    head = { number, position: commit.position + commit.count, at, eventAt, horizon, kept, restored };
    onApplied(commit);
  };

  const readOn = async (): Promise<Head> => {
    const since = begun;
    for (let isFarBehind = false; ; ) {
      // Who begins to write after this was asked, and comes first, knows all that was there then.
      if (confirmed > since) return head;
      const number = head.number + 1;
      // Whether there is one is asked before what it is: mostly there is none, or it is this instance's own.
      if (!isFarBehind && !(await chain.has(number))) return head;
      if (writing !== undefined) await writing.catch(() => {});
      if (head.number >= number) continue;
      const [asked, commits] = isFarBehind
        ? [refreshMax, await chain.following(number, refreshMax)]
        : [2, await chain.getAll([number, number + 1])];
      for (const commit of commits) apply(commit);
      // Where one is missing, the chain ended when that was looked for, or later: others may write without end meanwhile.
      if (commits.length < asked || head.number < number) return head;
      isFarBehind = true;
    }
  };

  const ask = (): Promise<Head> => {
    if (running === undefined) {
      running = readOn().finally(() => {
        running = undefined;
      });
      return running;
    }
    // What runs may have asked before this call came: the next one is for all who come meanwhile.
    next ??= running
      .catch(() => {})
      .then(() => {
        next = undefined;
        return ask();
      });
    return next;
  };

  /** Asks for all who wait, unless the next write will tell them. */
  const letGo = () => {
    if (writing !== undefined || riders.size === 0) return;
    const waiting = [...riders];
    ask().then(
      (last) => tell(waiting, (rider) => rider.resolve(last)),
      (error: unknown) => tell(waiting, (rider) => rider.reject(error)),
    );
  };

  const tell = (waiting: readonly Rider[], what: (rider: Rider) => void) => {
    for (const rider of waiting) if (riders.delete(rider)) what(rider);
  };

  const settleItem = ({ number, streams: touched, claims: touchedClaims }: TailItem) => {
    for (const view of touched) {
      if (view.indexed < number) {
        view.indexed = number;
        view.behind = true;
      }
      if (!view.loaded && (view.commits.at(-1) ?? 0) <= view.indexed) streams.forget(view);
    }
    for (const view of touchedClaims) {
      if (view.indexed < number) view.indexed = number;
      if (!view.loaded && view.changed <= view.indexed) claims.forget(view);
    }
  };

  return {
    head: () => head,
    async write(next) {
      begun += 1;
      const own = begun;
      const waiting = [...riders];
      const write = chain.insert(next);
      writing = write;
      try {
        const there = await write;
        apply(there);
        if (there !== next.commit) return there;
        confirmed = own;
        tell(waiting, (rider) => rider.resolve(head));
        return there;
      } finally {
        writing = undefined;
        wroteMs = performance.now();
        if (riders.size > 0) setTimeout(letGo, nextWriteMs);
      }
    },

    refresh() {
      return new Promise((resolve, reject) => {
        riders.add({ resolve, reject });
        if (performance.now() - wroteMs > nextWriteMs) letGo();
        else setTimeout(letGo, nextWriteMs);
      });
    },

    async load(wantedStreams, wantedClaims) {
      await Promise.all([...wantedStreams.map(streams.load), ...wantedClaims.map(claims.load)]);
    },
    streams,
    claims,
    tail,
    settle(isDone) {
      const kept = tail.filter((item) => {
        const isLoading =
          item.streams.some(({ loading }) => loading > 0) || item.claims.some(({ loading }) => loading > 0);
        if (isLoading || !isDone(item)) return true;
        settleItem(item);
        return false;
      });
      tail.splice(0, tail.length, ...kept);
    },
  };
}

interface Rider {
  resolve(head: Head): void;
  reject(error: unknown): void;
}

function addTo(view: StreamView, commit: number, version: number, last: StreamView['last'], command?: CommandId): void {
  if (command !== undefined) view.commands.set(command, commit);
  if (last !== undefined && commit >= view.lastAt) {
    view.last = last;
    view.lastAt = commit;
  }
  const place = view.commits.length - 1;
  const before = view.commits[place] ?? 0;
  if (before === commit) view.versions[place] = Math.max(view.versions[place] ?? 0, version);
  else if (before < commit) {
    view.commits.push(commit);
    view.versions.push(version);
  }
}
