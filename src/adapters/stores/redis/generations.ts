import { failure } from '../../../kernel/errors.ts';
import type { Fence } from '../../../ports/coordination.ts';
import type { ReadModelGeneration, ReadModelShape, ReadModelStore, Row } from '../../../ports/read-model.ts';
import { decodeCheckpoint, encodeCheckpoint } from './checkpoints.ts';
import type { Connection } from './connection.ts';
import { runFenced } from './fencing.ts';
import { commitScript, openScript, swapScript } from './generation-scripts.ts';
import type { Keys } from './keys.ts';
import { sweepScript } from './row-scripts.ts';
import { decodeRow, encodeRow } from './row-text.ts';

/** The generations of all read models, for those that build them. */
export interface Generations extends Pick<ReadModelStore, 'open' | 'begin' | 'swap'> {
  /** Number, hash and checkpoint of what is `live` and `building`; empty when the read model never was opened. */
  fields(name: string): Promise<ReadonlyMap<string, string>>;
}

export function redisGenerations(connection: Connection, keys: Keys): Generations {
  let sweeping = false;

  /** Redis frees what is unlinked beside its other work, so a million rows go at once. */
  const sweepAll = async () => {
    for (const number of await connection.send<string[]>('SMEMBERS', keys.dropped)) {
      const left = Object.values(keys.generation(Number(number)));
      await connection.run(sweepScript, [keys.dropped, ...left], [number]);
    }
  };

  const sweep = () => {
    if (sweeping) return;
    sweeping = true;
    sweepAll()
      // Nobody misses the room, and the next drop or the next process tries again.
      .catch(() => {})
      .finally(() => {
        sweeping = false;
      });
  };

  const fields = async (name: string) => {
    const list = await connection.send<string[]>('HGETALL', keys.readModel(name));
    return new Map(Array.from({ length: list.length / 2 }, (_, at) => [list[2 * at] ?? '', list[2 * at + 1] ?? '']));
  };

  const asBuilder = (name: string, number: number, opened: string): ReadModelGeneration => {
    const own = keys.generation(number);
    /**
     * The checkpoint as this builder knows it. A commit counts only on top of it: one whose reply was lost, or which
     * was long on its way, neither is made twice nor undoes a later one.
     */
    let known = opened;
    return {
      number,

      async checkpoint() {
        const all = await fields(name);
        const state = (['live', 'building'] as const).find((each) => all.get(each) === String(number));
        if (state === undefined) throw noGeneration(number);
        known = all.get(`${state}-checkpoint`) ?? '';
        return decodeCheckpoint(known);
      },

      async load(ids) {
        connection.assertOpen();
        const found = new Map<string, Row>();
        if (ids.length === 0) return found;
        const texts = await connection.send<(string | null)[]>('HMGET', own.rows, ...ids);
        for (const [at, id] of ids.entries()) {
          const text = texts[at];
          if (typeof text === 'string') found.set(id, decodeRow(text));
        }
        return found;
      },

      async commit({ upserts, deletes, checkpoint, fence }) {
        connection.assertOpen();
        const next = encodeCheckpoint(checkpoint);
        const names = [keys.readModel(name), own.rows, own.search, own.places, own.index, own.faulty, own.totals];
        const rows = upserts.flatMap((row) => [row.id, row.search, encodeRow(row)]);
        const args = [number, known, next, upserts.length, ...rows, ...deletes];
        const said = await runFenced<string>(connection, keys, fence, commitScript, names, args);
        if (said === 'dropped') throw noGeneration(number);
        if (said !== 'done') throw overtaken(number, known, said);
        known = next;
      },
    };
  };

  const begin = async (how: 'open' | 'begin', { name, hash }: ReadModelShape, fence: Fence) => {
    connection.assertOpen();
    const names = [keys.readModel(name), keys.generations, keys.dropped];
    const reply = runFenced<[number, string]>(connection, keys, fence, openScript, names, [hash, how]);
    const [number, checkpoint] = await reply;
    sweep();
    return asBuilder(name, number, checkpoint);
  };

  return {
    open: (shape, fence) => begin('open', shape, fence),

    begin: (shape, fence) => begin('begin', shape, fence),

    async swap(name, number, fence) {
      connection.assertOpen();
      const names = [keys.readModel(name), keys.dropped];
      const swapped = await runFenced<number>(connection, keys, fence, swapScript, names, [number]);
      if (swapped === 0) throw noGeneration(number);
      sweep();
    },

    fields,
  };
}

function noGeneration(number: number) {
  return failure('NOT_FOUND', { expected: `generation ${number} of the read model`, found: 'that it was dropped' });
}

/** Opening it again tells where it stands. */
function overtaken(number: number, expected: string, found: string) {
  return failure('FENCED', {
    expected: `generation ${number} at ${expected}`,
    found,
    remedy: 'Open it again: a commit before this one landed after all.',
  });
}
