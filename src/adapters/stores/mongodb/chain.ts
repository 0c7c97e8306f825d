import { failure } from '../../../kernel/errors.ts';
import { type Commit, type CommitDocument, commitId, decodeCommit } from './commit-documents.ts';
import type { Connection } from './connection.ts';
import type { Documents } from './documents.ts';
import type { DraftCommit } from './draft.ts';

/** The commits as they are stored: 1, 2, 3 … without gaps, never changed but for payloads that went to an archive. */
export interface Chain {
  has(number: number): Promise<boolean>;
  get(number: number): Promise<Commit | undefined>;
  /** Those of the numbers that are there. */
  getAll(numbers: readonly number[]): Promise<readonly Commit[]>;
  /** Those that are there from this number on, ascending; so many at most. */
  following(number: number, limit: number): Promise<readonly Commit[]>;
  /** All of them, which the log is known to have. @throws STORE_CORRUPT */
  getKnown(numbers: readonly number[]): Promise<readonly Commit[]>;
  /** Writes the commit if its number is free; gives the one that has the number then. */
  insert(next: DraftCommit): Promise<Commit>;
  /** The commit with the first event after this position, of a log that has one. */
  after(position: number, head: ChainHead): Promise<number>;
  /** The numbers of commits from one on that have something of the filter, ascending. */
  matching(filter: CommitFilter, from: number, to: number, limit: number): Promise<readonly number[]>;
  /** Writes the commit again with fewer payloads. */
  strip(doc: CommitDocument): Promise<void>;
  raw(number: number): Promise<CommitDocument | undefined>;
}

export interface ChainHead {
  readonly number: number;
  /** The last position. */
  readonly position: number;
}

export type CommitFilter = { readonly correlationId: string } | { readonly types: readonly string[] };

/** Commits read lately, by how much memory they take: streams that lived at the same time share them. */
const cachedSize = 8_000_000;

export function createChain(
  documents: Documents<CommitDocument>,
  connection: Pick<Connection, 'interruptions'>,
): Chain {
  let interruptions = connection.interruptions();
  const recent = new Map<number, Commit>();
  let recentSize = 0;

  const keep = (commit: Commit): Commit => {
    forget(commit.number);
    if (commit.size > cachedSize / 4) return commit;
    recent.set(commit.number, commit);
    recentSize += commit.size;
    for (const oldest of recent.keys()) {
      if (recentSize <= cachedSize) break;
      forget(oldest);
    }
    return commit;
  };
  const forget = (number: number) => {
    recentSize -= recent.get(number)?.size ?? 0;
    recent.delete(number);
  };

  const raw = (number: number) => documents.get(commitId(number));

  const get = async (number: number): Promise<Commit | undefined> => {
    const known = recent.get(number);
    if (known) return known;
    const doc = await raw(number);
    return doc && keep(decodeCommit(doc));
  };

  return {
    has: (number) => documents.has(commitId(number)),
    get,
    raw,

    async getAll(numbers) {
      return (await Promise.all(numbers.map(get))).filter((commit) => commit !== undefined);
    },

    async following(number, limit) {
      const docs = await documents.find({ _id: { $gte: commitId(number) } }, { sort: { _id: 1 }, limit });
      return docs.map((doc) => keep(decodeCommit(doc)));
    },

    async getKnown(numbers) {
      const commits = await Promise.all(numbers.map(get));
      return commits.map((commit, at) => {
        if (commit === undefined) throw missing(numbers[at] ?? 0);
        return commit;
      });
    },

    async insert({ doc, commit }) {
      const result = await documents.insert(doc);
      if (result.inserted && connection.interruptions() !== interruptions) {
        // A server that came back without its last commits would have a gap now.
        const seen = connection.interruptions();
        if (commit.number > 1 && !(await documents.has(commitId(commit.number - 1)))) {
          await documents.remove([doc._id]);
          throw lostTail(commit.number - 1);
        }
        interruptions = seen;
      }
      if (result.inserted) return commit;
      if (result.there) return decodeCommit(result.there);
      // Somebody took it back, whose server had lost the commit before it: nothing can be said of this one.
      throw failure('STORE_UNAVAILABLE', { expected: `commit ${commit.number} to stay`, found: 'it gone again' });
    },

    async after(position, head) {
      // Between the commits `low` and `high`; commits are of about the same size, so the place is guessed.
      let low = { number: 0, position: 0 };
      let high = head;
      for (let tries = 0; high.number - low.number > 1; tries += 1) {
        const share = (position - low.position) / Math.max(high.position - low.position, 1);
        const guess = low.number + Math.round(share * (high.number - low.number));
        // A bad guess must not go on for long: every other step halves.
        const middle = tries % 2 === 0 ? guess : Math.floor((low.number + high.number) / 2);
        const number = Math.min(Math.max(middle, low.number + 1), high.number - 1);
        const commit = await get(number);
        if (commit === undefined) break;
        const end = { number, position: commit.position + commit.count };
        if (end.position > position) high = end;
        else low = end;
      }
      return high.number;
    },

    async matching(filter, from, to, limit) {
      const range = { $gte: commitId(from), $lte: commitId(to) };
      const condition =
        'types' in filter
          ? { _id: range, types: filter.types.length === 1 ? filter.types[0] : { $in: [...filter.types] } }
          : { _id: range, correlations: filter.correlationId };
      const found = await documents.find(condition as never, { sort: { _id: 1 }, limit, only: ['_id'] });
      return found.map(({ _id }) => Number(_id));
    },

    async strip(doc) {
      forget(Number(doc._id));
      await documents.replace([doc]);
      forget(Number(doc._id));
    },
  };
}

function missing(number: number) {
  return failure('STORE_CORRUPT', {
    expected: `commit ${number} of the log`,
    found: 'that it is not there',
    remedy: 'Stop, copy the database away, then restore a backup.',
  });
}

function lostTail(number: number) {
  return failure('STORE_CORRUPT', {
    expected: `commit ${number}, which was read before, at the end of the log`,
    found: 'a server that came back without it',
    remedy: 'Restart the workers: they go on from what the server has. Acknowledged commands may be lost.',
  });
}
