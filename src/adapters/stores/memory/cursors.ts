import type { StreamId } from '../../../kernel/message.ts';
import type { Cursor, CursorChange, CursorStore } from '../../../ports/coordination.ts';
import { createSortedList, type SortedList } from './sorted-list.ts';
import { createTable, type Table } from './table.ts';

/** One subscription's cursors; the parked ones in the order of their dead letters' ids. */
interface Subscription {
  readonly cursors: Table<Cursor>;
  readonly parked: SortedList<ParkedId, ParkedCursor>;
  /** By the stored cursor's own stream object, which stays the same through all changes. */
  readonly redriving: Map<StreamId, Cursor>;
}

interface ParkedId {
  readonly id: string;
}

interface ParkedCursor extends ParkedId {
  readonly cursor: Cursor;
}

export interface MemoryCursors {
  readonly store: CursorStore;
  /** Of every subscription. */
  all(): Iterable<Cursor>;
  has(cursor: Pick<Cursor, 'subscription' | 'stream'>): boolean;
  /** Keeps a cursor as another store had it. */
  restore(cursor: Cursor): void;
}

const byId = (a: ParkedId, b: ParkedId) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

export function memoryCursors(assertOpen: () => void): MemoryCursors {
  const subscriptions = new Map<string, Subscription>();
  const allParked = createSortedList<ParkedId, ParkedCursor>(byId);

  const subscribed = (name: string) => {
    const known = subscriptions.get(name);
    if (known) return known;
    const made: Subscription = {
      cursors: createTable(),
      parked: createSortedList(byId),
      redriving: new Map(),
    };
    subscriptions.set(name, made);
    return made;
  };

  const put = (stored: Cursor, change: Pick<Cursor, 'version' | 'state' | 'revision'>) => {
    const { cursors, parked, redriving } = subscribed(stored.subscription);
    const { version, revision } = change;
    const state = Object.freeze({ ...change.state });
    const cursor: Cursor = Object.freeze({ ...stored, version, state, revision });
    cursors.set(cursor.stream, cursor);
    for (const list of [allParked, parked]) {
      if (stored.state.kind === 'parked') list.delete(stored.state);
      if (state.kind === 'parked') list.insert({ id: state.id, cursor });
    }
    if (state.kind === 'redriving') redriving.set(cursor.stream, cursor);
    else redriving.delete(cursor.stream);
    return cursor;
  };

  const advanceOne = ({ from, version, state }: CursorChange) => {
    const stored = subscribed(from.subscription).cursors.get(from.stream) ?? unstored(from);
    if (stored.revision !== from.revision) return { moved: false, cursor: stored };
    return { moved: true, cursor: put(stored, { version, state, revision: stored.revision + 1 }) };
  };

  const store: CursorStore = {
    async load(subscription, streams) {
      assertOpen();
      const cursors = subscriptions.get(subscription)?.cursors;
      return streams.map((stream) => cursors?.get(stream) ?? unstored({ subscription, stream }));
    },

    async advance(changes) {
      assertOpen();
      return changes.map(advanceOne);
    },

    async parked({ subscription, after, limit }) {
      assertOpen();
      const list = subscription === undefined ? allParked : subscriptions.get(subscription)?.parked;
      if (!list) return [];
      const found = after === undefined ? list.all() : list.after({ id: after });
      return found
        .take(limit)
        .map(({ cursor }) => cursor)
        .toArray();
    },

    async findParked(id) {
      assertOpen();
      return allParked.find({ id })?.cursor;
    },

    async redriving(subscription, limit) {
      assertOpen();
      return subscriptions.get(subscription)?.redriving.values().take(limit).toArray() ?? [];
    },

    async countParked() {
      assertOpen();
      const counts = new Map<string, number>();
      for (const [name, { parked }] of subscriptions) if (parked.size() > 0) counts.set(name, parked.size());
      return counts;
    },

    async deleteAll(subscription) {
      assertOpen();
      const known = subscriptions.get(subscription);
      for (const parked of known?.parked.all() ?? []) allParked.delete(parked);
      subscriptions.delete(subscription);
    },
  };
  return {
    store,
    *all() {
      for (const { cursors } of subscriptions.values()) yield* cursors.values();
    },
    has: ({ subscription, stream }) => subscriptions.get(subscription)?.cursors.get(stream) !== undefined,
    restore: (cursor) => void put(unstored(cursor), cursor),
  };
}

function unstored({ subscription, stream: { type, id } }: Pick<Cursor, 'subscription' | 'stream'>): Cursor {
  const stream = Object.freeze({ type, id });
  return Object.freeze({ subscription, stream, version: 0, state: Object.freeze({ kind: 'live' }), revision: 0 });
}
