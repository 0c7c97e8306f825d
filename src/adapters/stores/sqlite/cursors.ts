import type { StreamId } from '../../../kernel/message.ts';
import type { Cursor, CursorChange, CursorState, CursorStore } from '../../../ports/coordination.ts';
import type { Database } from './database.ts';
import type { Streams } from './streams.ts';

type CursorRow = [
  subscription: string,
  streamType: string,
  streamId: string,
  version: number,
  revision: number,
  kind: CursorState['kind'],
  parked: string | null,
];

export interface SqliteCursors {
  readonly store: CursorStore;
  /** Some of all subscriptions' cursors, after that one. */
  page(after: KeyedCursor | undefined): readonly KeyedCursor[];
  /** Keeps a cursor as another store had it, where there is none; inside a transaction. */
  restore(cursor: Cursor): void;
}

export interface KeyedCursor {
  readonly stream: number;
  readonly cursor: Cursor;
}

const sliceCursors = 1000;

/** Cursors hold the stream's number, so that those of new streams lie side by side in the file. */
export function sqliteCursors(db: Database, streams: Streams): SqliteCursors {
  const select = (condition: string) =>
    db.prepare<CursorRow>(`SELECT c.subscription, s.type, s.id, c.version, c.revision, c.state, c.parked
      FROM cursors c CROSS JOIN streams s ON s.key = c.stream WHERE ${condition}`);
  const one = select('c.subscription = ? AND c.stream = ?');
  const parked = select('c.parked_id > ? ORDER BY c.parked_id LIMIT ?');
  const parkedHere = select('c.subscription = ? AND c.parked_id > ? ORDER BY c.parked_id LIMIT ?');
  const withParkedId = select('c.parked_id = ?');
  const redriving = select(`c.subscription = ? AND c.state = 'redriving' LIMIT ?`);
  const counts = db.prepare<[subscription: string, count: number]>(
    'SELECT subscription, count(*) FROM cursors WHERE parked_id IS NOT NULL GROUP BY subscription',
  );
  const save = db.prepare(`INSERT INTO cursors (subscription, stream, version, revision, state, parked_id, parked)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET version = excluded.version, revision = excluded.revision, state = excluded.state,
      parked_id = excluded.parked_id, parked = excluded.parked`);
  const deleteSome = db.prepare(`DELETE FROM cursors WHERE subscription = ?1 AND stream IN
    (SELECT stream FROM cursors WHERE subscription = ?1 LIMIT ${sliceCursors})`);

  const read = (subscription: string, stream: StreamId): Cursor => {
    const key = streams.find(stream)?.key;
    const row = key === undefined ? undefined : one.get(subscription, key);
    return row ? decodeCursor(row) : unstored(subscription, stream);
  };

  const page = db.prepare<[...CursorRow, stream: number]>(`SELECT c.subscription, s.type, s.id, c.version, c.revision,
    c.state, c.parked, c.stream FROM cursors c CROSS JOIN streams s ON s.key = c.stream
    WHERE (c.subscription, c.stream) > (?, ?) ORDER BY c.subscription, c.stream LIMIT ${sliceCursors}`);

  const write = ({ subscription, stream, version, revision, state }: Cursor) => {
    const [parkedId, details] = state.kind === 'parked' ? [state.id, JSON.stringify(state)] : [null, null];
    save.run(subscription, streams.keyFor(stream), version, revision, state.kind, parkedId, details);
  };

  const advanceOne = ({ from, version, state }: CursorChange) => {
    const { subscription } = from;
    const stored = read(subscription, from.stream);
    if (stored.revision !== from.revision) return { moved: false, cursor: stored };
    const cursor: Cursor = { subscription, stream: stored.stream, version, state, revision: stored.revision + 1 };
    write(cursor);
    return { moved: true, cursor };
  };

  const store: CursorStore = {
    load: (subscription, wanted) => db.read(() => wanted.map((stream) => read(subscription, stream))),

    advance: (changes) => db.write(() => changes.map(advanceOne)),

    parked: ({ subscription, after = '', limit }) =>
      db.read(() =>
        (subscription === undefined ? parked.all(after, limit) : parkedHere.all(subscription, after, limit)).map(
          decodeCursor,
        ),
      ),

    findParked: (id) =>
      db.read(() => {
        const row = withParkedId.get(id);
        return row && decodeCursor(row);
      }),

    redriving: (subscription, limit) => db.read(() => redriving.all(subscription, limit).map(decodeCursor)),

    countParked: () => db.read(() => new Map(counts.all())),

    async deleteAll(subscription) {
      while ((await db.write(() => deleteSome.run(subscription))).changes > 0) await db.pause();
    },
  };

  return {
    store,
    page: (after) =>
      page.all(after?.cursor.subscription ?? '', after?.stream ?? 0).map((row) => {
        const [subscription, type, id, version, revision, kind, parked, stream] = row;
        return { stream, cursor: decodeCursor([subscription, type, id, version, revision, kind, parked]) };
      }),
    restore(cursor) {
      if (read(cursor.subscription, cursor.stream).revision === 0) write(cursor);
    },
  };
}

function decodeCursor([subscription, type, id, version, revision, kind, parked]: CursorRow): Cursor {
  const state: CursorState = kind === 'parked' ? JSON.parse(parked ?? '') : { kind };
  return { subscription, stream: { type, id }, version, state, revision };
}

function unstored(subscription: string, { type, id }: StreamId): Cursor {
  return { subscription, stream: { type, id }, version: 0, state: { kind: 'live' }, revision: 0 };
}
