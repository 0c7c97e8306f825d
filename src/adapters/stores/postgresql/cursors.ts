import type { StreamId } from '../../../kernel/message.ts';
import type { Cursor, CursorChange, CursorState, CursorStore } from '../../../ports/coordination.ts';
import type { Database } from './database.ts';
import { keyText } from './key-text.ts';
import { streamNumbered } from './stream-lookup.ts';

/** The columns of a cursor; `c` is the cursor, `s` its stream. */
export const cursorColumns = 'c.subscription, s.type, s.id, c.version, c.revision, c.state, c.parked';

export type CursorRow = [
  subscription: string,
  streamType: string,
  streamId: string,
  version: number,
  revision: number,
  kind: CursorState['kind'],
  parked: string | null,
];

/** The streams of the changes, and which cursors were moved: subscriptions and streams, by number. */
type AdvanceRow = [keys: readonly string[], subscriptions: readonly string[], streams: readonly string[]];

const sliceCursors = 1000;

export function postgresqlCursors(db: Database): CursorStore {
  const select = (rest: string) => db.prepare<CursorRow>(`SELECT ${cursorColumns} FROM ${rest}`);
  const withStream = (condition: string) =>
    select(`(SELECT * FROM $.cursors c WHERE ${condition}) c, ${streamNumbered('c.stream')}`);
  const several = select(`unnest($2::text[], $3::text[]) AS w(type, id),
    LATERAL (SELECT * FROM $.streams s WHERE s.type = w.type AND s.id = w.id OFFSET 0) s,
    LATERAL (SELECT * FROM $.cursors c WHERE c.subscription = $1 AND c.stream = s.key OFFSET 0) c`);
  const parked = withStream('c.parked_id > $1 ORDER BY c.parked_id LIMIT $2');
  const parkedHere = withStream('c.subscription = $3 AND c.parked_id > $1 ORDER BY c.parked_id LIMIT $2');
  const withParkedId = withStream('c.parked_id = $1');
  const redriving = withStream(`c.subscription = $1 AND c.state = 'redriving' LIMIT $2`);
  const counts = db.prepare<[subscription: string, count: number]>(
    'SELECT subscription, count(*) FROM $.cursors WHERE parked_id IS NOT NULL GROUP BY subscription',
  );
  const advance =
    db.prepare<AdvanceRow>(`SELECT keys, moved_subscriptions, moved_streams FROM $.advance($1::text[], $2::text[], $3::text[],
    $4::bigint[], $5::integer[], $6::text[], $7::text[], $8::text[])`);
  const deleteSome = db.prepare<
    [count: number]
  >(`WITH gone AS (DELETE FROM $.cursors WHERE subscription = $1 AND stream IN
      (SELECT stream FROM $.cursors WHERE subscription = $1 ORDER BY stream LIMIT ${sliceCursors}) RETURNING 1)
    SELECT count(*) FROM gone`);

  const load = async (subscription: string, streams: readonly StreamId[]): Promise<readonly Cursor[]> => {
    const types = streams.map(({ type }) => type);
    const ids = streams.map(({ id }) => id);
    const rows = await several(keyText(subscription), types, ids);
    const stored = new Map(rows.map((row) => [placeOf(decodeCursor(row).stream), decodeCursor(row)]));
    return streams.map((stream) => ({ ...(stored.get(placeOf(stream)) ?? unstored(stream)), subscription }));
  };

  /** Changes of different cursors. */
  const advanceEach = async (changes: readonly CursorChange[]) => {
    const [row] = await advance(
      changes.map(({ from }) => keyText(from.subscription)),
      changes.map(({ from }) => from.stream.type),
      changes.map(({ from }) => from.stream.id),
      changes.map(({ from }) => from.revision),
      changes.map(({ version }) => version),
      changes.map(({ state }) => state.kind),
      changes.map(({ state }) => (state.kind === 'parked' ? keyText(state.id) : null)),
      changes.map(({ state }) => (state.kind === 'parked' ? JSON.stringify(state) : null)),
    );
    const [keys = [], subscriptions = [], streams = []] = row ?? [];
    const moved = new Set(subscriptions.map((subscription, at) => `${streams[at]} ${subscription}`));
    return Promise.all(
      changes.map(async ({ from, version, state }, at) => {
        if (moved.has(`${keys[at]} ${keyText(from.subscription)}`))
          return { moved: true, cursor: { ...from, version, state, revision: from.revision + 1 } };
        const [cursor = { ...unstored(from.stream), subscription: from.subscription }] = await load(from.subscription, [
          from.stream,
        ]);
        return { moved: false, cursor };
      }),
    );
  };

  return {
    load,

    async advance(changes) {
      db.assertOpen();
      const results = new Map<CursorChange, { readonly moved: boolean; readonly cursor: Cursor }>();
      // One round, unless a cursor is changed twice.
      for (const round of roundsOf(changes)) {
        for (const [at, result] of (await advanceEach(round)).entries()) {
          const change = round[at];
          if (change) results.set(change, result);
        }
      }
      return changes.flatMap((change) => results.get(change) ?? []);
    },

    async parked({ subscription, after = '', limit }) {
      const key = after === '' ? '' : keyText(after);
      const rows =
        subscription === undefined ? await parked(key, limit) : await parkedHere(key, limit, keyText(subscription));
      return rows.map(decodeCursor);
    },

    async findParked(id) {
      const [row] = await withParkedId(keyText(id));
      return row && decodeCursor(row);
    },

    redriving: async (subscription, limit) => (await redriving(keyText(subscription), limit)).map(decodeCursor),

    countParked: async () => new Map(await counts()),

    async deleteAll(subscription) {
      while (((await deleteSome(keyText(subscription)))[0]?.[0] ?? 0) > 0) db.assertOpen();
    },
  };
}

/** In order, each cursor once a round. */
function roundsOf(changes: readonly CursorChange[]): readonly (readonly CursorChange[])[] {
  const rounds: CursorChange[][] = [];
  const times = new Map<string, number>();
  for (const change of changes) {
    const key = JSON.stringify([change.from.subscription, placeOf(change.from.stream)]);
    const round = times.get(key) ?? 0;
    times.set(key, round + 1);
    rounds[round] ??= [];
    rounds[round].push(change);
  }
  return rounds;
}

const placeOf = ({ type, id }: StreamId) => JSON.stringify([type, id]);

export function decodeCursor([subscription, type, id, version, revision, kind, parked]: CursorRow): Cursor {
  const state: CursorState = kind === 'parked' ? JSON.parse(parked ?? '') : { kind };
  return { subscription, stream: { type, id }, version, state, revision };
}

const unstored = ({ type, id }: StreamId): Omit<Cursor, 'subscription'> => ({
  stream: { type, id },
  version: 0,
  state: { kind: 'live' },
  revision: 0,
});
