import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PageQuery, ReadModelStore, Row } from '../../../ports/read-model.ts';
import { decodePageCursor, encodePageCursor } from '../page-cursor.ts';
import { decodeCheckpoint } from './checkpoints.ts';
import type { Argument, Connection } from './connection.ts';
import { redisGenerations } from './generations.ts';
import type { GenerationKeys, Keys } from './keys.ts';
import { faultyScript, getScript, indexScript, placesScript, searchScript, totalsScript } from './row-scripts.ts';
import { decodeRow, decodeTotals, encodeIndexed, encodePlace } from './row-text.ts';
import type { Script } from './script.ts';

/** How many rows one slice of a search looks at: under a millisecond's work for the server. */
const searchSlice = 500;

/** One read of a live generation. */
interface LiveRead {
  readonly script: Script;
  readonly keys: (generation: GenerationKeys) => readonly string[];
  readonly args: readonly Argument[];
}

export function redisReadModels(connection: Connection, keys: Keys): ReadModelStore {
  const generations = redisGenerations(connection, keys);
  /**
   * As it was last seen. Each read names the one it takes for live, so that it names its keys, and is told if it isn't.
   */
  const lastLive = new Map<string, number>();

  /** What one script reads of the generation that is live; undefined when there is none. */
  const onLive = async <Reply>(name: string, { script, keys: names, args }: LiveRead): Promise<Reply | undefined> => {
    for (;;) {
      const number = lastLive.get(name) ?? 0;
      const all = [keys.readModel(name), ...names(keys.generation(number))];
      const [isLive, reply] = await connection.run<[number, Reply]>(script, all, [number, ...args]);
      if (isLive === 1) return reply;
      const live = Number(reply);
      if (live === 0) return undefined;
      lastLive.set(name, live);
    }
  };

  const page = (name: string, after: string | undefined, where: PageQuery['where'], limit: number) => {
    if (where === undefined) {
      const args = [after === undefined ? '-' : `(${after}`, '+', limit];
      return onLive<string[]>(name, { script: placesScript, keys: ({ places, rows }) => [places, rows], args });
    }
    const indexed = encodeIndexed(where.index, where.value);
    const args = [`(${indexed}\0${after ?? ''}`, `(${indexed}\u0001`, limit];
    return onLive<string[]>(name, { script: indexScript, keys: ({ index, rows }) => [index, rows], args });
  };

  /** Everything that one generation has; undefined when another became live meanwhile. */
  const searchOnce = async (name: string, text: string, limit: number) => {
    const found: Row[] = [];
    const first = lastLive.get(name);
    for (let from = '-'; ; await nextTurn()) {
      const reply = await onLive<[next: string, rows: string[]]>(name, {
        script: searchScript,
        keys: ({ places, search, rows }) => [places, search, rows],
        args: [from, searchSlice, text, limit - found.length],
      });
      if (reply === undefined) return found;
      if (from !== '-' && lastLive.get(name) !== first) return undefined;
      const [next, rows] = reply;
      found.push(...rows.map(decodeRow));
      if (next === '' || found.length >= limit) return found;
      from = `(${next}`;
    }
  };

  return {
    open: generations.open,

    begin: generations.begin,

    swap: generations.swap,

    async status(name) {
      const fields = await generations.fields(name);
      const inState = (state: 'live' | 'building') => {
        const number = fields.get(state);
        if (number === undefined) return undefined;
        const checkpoint = decodeCheckpoint(fields.get(`${state}-checkpoint`) ?? '');
        return { generation: Number(number), hash: fields.get(`${state}-hash`) ?? '', checkpoint };
      };
      const [live, building] = [inState('live'), inState('building')];
      return live && { live, ...(building && { building }) };
    },

    async get(name, id) {
      const text = await onLive<string>(name, { script: getScript, keys: ({ rows }) => [rows], args: [id] });
      return text ? decodeRow(text) : undefined;
    },

    async page(name, { cursor, limit, where }) {
      connection.assertOpen();
      const after = cursor === undefined ? undefined : encodePlace(decodePageCursor(cursor));
      const found = (await page(name, after, where, limit + 1)) ?? [];
      const rows = found.slice(0, limit).map(decodeRow);
      const last = found.length > limit ? rows.at(-1) : undefined;
      return { rows, ...(last && { nextCursor: encodePageCursor(last) }) };
    },

    async search(name, text, limit) {
      connection.assertOpen();
      if (limit <= 0) return [];
      for (;;) {
        const found = await searchOnce(name, text, limit);
        if (found) return found;
      }
    },

    async totals(name) {
      const fields = await onLive<string[]>(name, { script: totalsScript, keys: ({ totals }) => [totals], args: [] });
      return decodeTotals(fields ?? []);
    },

    async faulty(name, limit) {
      const reply = await onLive<[count: number, rows: string[]]>(name, {
        script: faultyScript,
        keys: ({ faulty, rows }) => [faulty, rows],
        args: [limit],
      });
      const [count, rows] = reply ?? [0, []];
      return { count, rows: rows.map(decodeRow) };
    },
  };
}
