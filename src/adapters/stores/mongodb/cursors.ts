import type { StreamId } from '../../../kernel/message.ts';
import type { Cursor, CursorChange, CursorState, CursorStore } from '../../../ports/coordination.ts';
import type { Connection } from './connection.ts';
import type { Documents } from './documents.ts';
import { type CursorMark, createMarkedCursors } from './marked-cursors.ts';
import type { Registers, StateDocument } from './registers.ts';

/** What a register of a cursor holds. The revision is not its number: a restored cursor begins with its own. */
export interface CursorRecord {
  readonly version: number;
  readonly revision: number;
  readonly state: CursorState;
}

export interface MongodbCursors {
  readonly store: CursorStore;
  all(): AsyncIterable<Cursor>;
  /** Keeps a cursor that another store had, where there is none. */
  restore(cursor: Cursor): Promise<void>;
}

export interface CursorParts {
  readonly registers: Registers<CursorRecord>;
  /** Where the registers are. */
  readonly documents: Documents<StateDocument>;
  readonly marks: Documents<CursorMark>;
}

const sliceMax = 500;

/** Each cursor is a register: a change is made by who writes the next state first. */
export function mongodbCursors({ call }: Connection, { registers, documents, marks }: CursorParts): MongodbCursors {
  const load = async (subscription: string, stream: StreamId): Promise<Placed> => {
    const found = await registers.last(keyOf(subscription, stream));
    const record = found?.state ?? unstored;
    return { number: found?.number ?? 0, cursor: cursorOf(subscription, stream, record) };
  };

  const marked = createMarkedCursors(marks, async (subscription, stream) => (await load(subscription, stream)).cursor);

  const put = async (now: Placed, { from, version, state }: CursorChange, revision: number) => {
    const cursor = cursorOf(from.subscription, from.stream, { version, revision, state });
    // Before the cursor, so that none is parked that nobody finds.
    await marked.add(cursor);
    const key = keyOf(from.subscription, from.stream);
    const moved = await registers.write(key, now.number + 1, { version, revision, state });
    if (moved) await marked.remove(now.cursor);
    return moved ? cursor : undefined;
  };

  const advance = async (change: CursorChange): Promise<{ readonly moved: boolean; readonly cursor: Cursor }> => {
    const { subscription, stream } = change.from;
    const now = await load(subscription, stream);
    if (now.cursor.revision !== change.from.revision) return { moved: false, cursor: now.cursor };
    const cursor = await put(now, change, now.cursor.revision + 1);
    if (cursor) return { moved: true, cursor };
    return { moved: false, cursor: (await load(subscription, stream)).cursor };
  };

  return {
    store: {
      load: (subscription, streams) =>
        call(async () =>
          (await Promise.all(streams.map((stream) => load(subscription, stream)))).map(({ cursor }) => cursor),
        ),

      advance: (changes) =>
        call(async () => {
          // Two changes of one cursor in one call are made one after the other.
          const byCursor = Map.groupBy(changes.entries(), ([, { from }]) => keyOf(from.subscription, from.stream));
          const results = new Map<number, Awaited<ReturnType<typeof advance>>>();
          await Promise.all(
            byCursor.values().map(async (own) => {
              for (const [at, change] of own) results.set(at, await advance(change));
            }),
          );
          return changes.flatMap((_, at) => results.get(at) ?? []);
        }),

      parked: ({ subscription, after, limit }) => call(() => marked.parked(subscription, after, limit)),

      findParked: (id) => call(() => marked.find(id)),

      redriving: (subscription, limit) => call(() => marked.redriving(subscription, limit)),

      countParked: () => call(marked.count),

      deleteAll: (subscription) =>
        call(async () => {
          const prefix = `${JSON.stringify([subscription]).slice(0, -1)},`;
          await documents.removeByPrefix(prefix);
          registers.forget(prefix);
          await marked.removeAll(subscription);
        }),
    },

    async *all() {
      let after = '';
      for (;;) {
        const from = after;
        const page = await call(() =>
          documents.find({ _id: { $gt: from, $regex: '\\|000000000001$' } } as never, {
            sort: { _id: 1 },
            limit: sliceMax,
            only: ['_id'],
          }),
        );
        const cursors = await call(() =>
          Promise.all(
            page.map(async ({ _id }) => {
              const [subscription, type, id] = JSON.parse(_id.slice(0, _id.lastIndexOf('|'))) as [
                string,
                string,
                string,
              ];
              return (await load(subscription, { type, id })).cursor;
            }),
          ),
        );
        yield* cursors.filter(({ revision }) => revision > 0);
        if (page.length < sliceMax) return;
        after = page.at(-1)?._id ?? after;
      }
    },

    async restore(cursor) {
      const { subscription, stream, version, state, revision } = cursor;
      const now = await load(subscription, stream);
      if (now.number === 0) await put(now, { from: now.cursor, version, state }, revision);
    },
  };
}

interface Placed {
  /** Of the register's last state; 0 before the first. */
  readonly number: number;
  readonly cursor: Cursor;
}

const unstored: CursorRecord = { version: 0, revision: 0, state: { kind: 'live' } };

const keyOf = (subscription: string, { type, id }: StreamId) => JSON.stringify([subscription, type, id]);

function cursorOf(subscription: string, { type, id }: StreamId, { version, revision, state }: CursorRecord): Cursor {
  return { subscription, stream: { type, id }, version, state, revision };
}
