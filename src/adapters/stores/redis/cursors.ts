import type { StreamId } from '../../../kernel/message.ts';
import type { Cursor, CursorChange, CursorStore } from '../../../ports/coordination.ts';
import type { Argument, Connection } from './connection.ts';
import { advanceScript, forgetParkedScript, parkedScript } from './cursor-scripts.ts';
import { type Keys, streamText } from './keys.ts';

/** How many cursors one command reads or changes. */
const sliceCursors = 500;

type AdvanceReply = readonly [moved: number, stored: string];

export function redisCursors(connection: Connection, keys: Keys): CursorStore {
  const advanceSome = async (changes: readonly CursorChange[]) => {
    const { parked, deadLetters, parkedCounts, subscriptions } = keys;
    const names = [parked, deadLetters, parkedCounts, subscriptions];
    const args: Argument[] = [];
    for (const { from, version, state } of changes) {
      const { subscription, stream, revision } = from;
      names.push(keys.cursors(subscription), keys.letters(subscription), keys.parkedOf(subscription));
      names.push(keys.redriving(subscription));
      const cursor: Cursor = { subscription, stream, version, state, revision: revision + 1 };
      args.push(subscription, streamText(stream), revision, encodeCursor(cursor), state.kind);
      args.push(state.kind === 'parked' ? state.id : '');
    }
    const replies = await connection.run<AdvanceReply[]>(advanceScript, names, args);
    return changes.map(({ from, version, state }, at) => {
      const [moved, stored] = replies[at] ?? [0, ''];
      if (moved === 0) {
        const cursor = stored === '' ? unstored(from.subscription, from.stream) : decodeCursor(stored);
        return { moved: false, cursor };
      }
      const { subscription, stream } = from;
      const cursor: Cursor = { subscription, stream, version, state, revision: from.revision + 1 };
      return { moved: true, cursor };
    });
  };

  return {
    async load(subscription, streams) {
      connection.assertOpen();
      const cursors: Cursor[] = [];
      for (const some of slicesOf(streams)) {
        const fields = some.map(streamText);
        const texts = await connection.send<(string | null)[]>('HMGET', keys.cursors(subscription), ...fields);
        for (const [at, stream] of some.entries()) {
          const text = texts[at];
          cursors.push(typeof text === 'string' ? decodeCursor(text) : unstored(subscription, stream));
        }
      }
      return cursors;
    },

    async advance(changes) {
      connection.assertOpen();
      const results = [];
      for (const some of slicesOf(changes)) results.push(...(await advanceSome(some)));
      return results;
    },

    async parked({ subscription, after, limit }) {
      const list = subscription === undefined ? keys.parked : keys.parkedOf(subscription);
      const from = after === undefined ? '-' : `(${after}`;
      const texts = await connection.run<string[]>(parkedScript, [list, keys.deadLetters], [from, limit]);
      return texts.map(decodeCursor);
    },

    async findParked(id) {
      const text = await connection.send<string | null>('HGET', keys.deadLetters, id);
      return text === null ? undefined : decodeCursor(text);
    },

    async redriving(subscription, limit) {
      connection.assertOpen();
      if (limit <= 0) return [];
      const streams = await connection.send<string[]>('SRANDMEMBER', keys.redriving(subscription), limit);
      if (streams.length === 0) return [];
      const texts = await connection.send<(string | null)[]>('HMGET', keys.cursors(subscription), ...streams);
      // Between the two a cursor may have moved on.
      const cursors = texts.flatMap((text) => (text === null ? [] : [decodeCursor(text)]));
      return cursors.filter(({ state }) => state.kind === 'redriving');
    },

    async countParked() {
      const counts = await connection.send<string[]>('HGETALL', keys.parkedCounts);
      return new Map(Array.from({ length: counts.length / 2 }, (_, at) => countAt(counts, at)));
    },

    async deleteAll(subscription) {
      const { parked, deadLetters, parkedCounts, subscriptions } = keys;
      const names = [parked, deadLetters, parkedCounts, subscriptions, keys.cursors(subscription)];
      names.push(keys.letters(subscription), keys.parkedOf(subscription), keys.redriving(subscription));
      while ((await connection.run<number>(forgetParkedScript, names, [subscription, sliceCursors])) > 0);
    },
  };
}

/** A cursor as it is stored: its revision, a space, all of it as JSON. */
export function encodeCursor({ subscription, stream: { type, id }, version, state, revision }: Cursor): string {
  return `${revision} ${JSON.stringify({ subscription, stream: { type, id }, version, state, revision })}`;
}

export function decodeCursor(text: string): Cursor {
  return JSON.parse(text.slice(text.indexOf(' ') + 1));
}

function unstored(subscription: string, { type, id }: StreamId): Cursor {
  return { subscription, stream: { type, id }, version: 0, state: { kind: 'live' }, revision: 0 };
}

const countAt = (counts: readonly string[], at: number) => [counts[2 * at] ?? '', Number(counts[2 * at + 1])] as const;

function slicesOf<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  const count = Math.ceil(items.length / sliceCursors);
  return Array.from({ length: count }, (_, at) => items.slice(at * sliceCursors, (at + 1) * sliceCursors));
}
