import type { StreamId } from '../../../kernel/message.ts';
import type { Cursor } from '../../../ports/coordination.ts';
import type { Documents } from './documents.ts';

/**
 * Says that a cursor may be parked, or may be redriving, at a revision; written before the cursor is. Only the cursor
 * itself tells whether it is: one at a later revision has gone on, and the document can go.
 */
export interface CursorMark {
  readonly _id: string;
  readonly kind: 'parked' | 'redriving';
  readonly subscription: string;
  readonly type: string;
  readonly id: string;
  readonly revision: number;
  /** Of the dead letter; empty when it is none. */
  readonly letter: string;
}

/** The cursors that are not live: few, and looked for by what they are. */
export interface MarkedCursors {
  add(cursor: Cursor): Promise<void>;
  /** To be called when the cursor has gone on. */
  remove(cursor: Cursor): Promise<void>;
  parked(subscription: string | undefined, after: string | undefined, limit: number): Promise<readonly Cursor[]>;
  find(letter: string): Promise<Cursor | undefined>;
  redriving(subscription: string, limit: number): Promise<readonly Cursor[]>;
  count(): Promise<ReadonlyMap<string, number>>;
  removeAll(subscription: string): Promise<void>;
}

const sliceMax = 500;

export function createMarkedCursors(
  documents: Documents<CursorMark>,
  load: (subscription: string, stream: StreamId) => Promise<Cursor>,
): MarkedCursors {
  /** The cursors that are what the documents say; what is told of those that have gone on is deleted. */
  const verified = async (docs: readonly CursorMark[]): Promise<readonly Cursor[]> => {
    const cursors = await Promise.all(docs.map(({ subscription, type, id }) => load(subscription, { type, id })));
    const gone = docs.filter(({ revision }, at) => (cursors[at]?.revision ?? 0) > revision);
    if (gone.length > 0) await documents.remove(gone.map(({ _id }) => _id));
    return cursors.filter((cursor, at) => {
      const doc = docs[at];
      return cursor.revision === doc?.revision && cursor.state.kind === doc.kind && letterOf(cursor) === doc.letter;
    });
  };

  /** Those that fit, in the order of `field`, until there are enough. */
  const search = async (
    filter: Readonly<Record<string, unknown>>,
    field: 'letter' | '_id',
    after: string,
    limit: number,
  ): Promise<readonly Cursor[]> => {
    const found: Cursor[] = [];
    let last = after;
    const slice = Math.min(limit + 10, sliceMax);
    while (found.length < limit) {
      const condition = { ...filter, [field]: { $gt: last } } as never;
      const docs = await documents.find(condition, { sort: { [field]: 1, _id: 1 }, limit: slice });
      found.push(...(await verified(docs)));
      if (docs.length < slice) break;
      last = docs.at(-1)?.[field] ?? last;
    }
    return found.slice(0, limit);
  };

  return {
    async add(cursor) {
      const doc = markOf(cursor);
      if (doc) await documents.insert(doc);
    },

    async remove(cursor) {
      const doc = markOf(cursor);
      if (doc) await documents.remove([doc._id]);
    },

    parked: (subscription, after = '', limit) =>
      search({ kind: 'parked', ...(subscription !== undefined && { subscription }) }, 'letter', after, limit),

    async find(letter) {
      const docs = await documents.find({ letter, kind: 'parked' }, { sort: { _id: 1 }, limit: sliceMax });
      return (await verified(docs))[0];
    },

    redriving: (subscription, limit) => search({ kind: 'redriving', subscription }, '_id', '', limit),

    async count() {
      const counts = new Map<string, number>();
      for (const { subscription } of await search({ kind: 'parked' }, '_id', '', Number.MAX_SAFE_INTEGER)) {
        counts.set(subscription, (counts.get(subscription) ?? 0) + 1);
      }
      return counts;
    },

    async removeAll(subscription) {
      for (;;) {
        const docs = await documents.find({ subscription }, { sort: { _id: 1 }, limit: sliceMax, only: ['_id'] });
        await documents.remove(docs.map(({ _id }) => _id));
        if (docs.length < sliceMax) return;
      }
    },
  };
}

function markOf(cursor: Cursor): CursorMark | undefined {
  const { subscription, stream, revision, state } = cursor;
  if (state.kind === 'live') return undefined;
  const letter = letterOf(cursor);
  const _id = JSON.stringify([state.kind, subscription, stream.type, stream.id, revision, letter]);
  return { _id, kind: state.kind, subscription, type: stream.type, id: stream.id, revision, letter };
}

const letterOf = ({ state }: Cursor) => (state.kind === 'parked' ? state.id : '');
