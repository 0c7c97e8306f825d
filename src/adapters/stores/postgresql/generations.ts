import { failure } from '../../../kernel/errors.ts';
import type { Checkpoint, Fence } from '../../../ports/coordination.ts';
import type { ReadModelShape, ReadModelStatus } from '../../../ports/read-model.ts';
import { type CheckpointRow, decodeCheckpoint } from './checkpoints.ts';
import type { Database } from './database.ts';
import { fenced } from './fenced.ts';
import { keyText } from './key-text.ts';

/** The number of a read model's live generation, for the middle of a statement; $1 is the name. */
export const liveGeneration = `(SELECT number FROM $.generations WHERE read_model = $1 AND state = 'live')`;

/** The generations of all read models. */
export interface Generations {
  /** The live one or the one being built when it has this hash, else a new one. @throws FENCED */
  open(shape: ReadModelShape, fence: Fence): Promise<OpenGeneration>;
  /** A new one; what was being built is dropped. @throws FENCED */
  begin(shape: ReadModelShape, fence: Fence): Promise<OpenGeneration>;
  /** @throws FENCED, or NOT_FOUND when it neither is live nor being built */
  swap(name: string, number: number, fence: Fence): Promise<void>;
  /** @throws NOT_FOUND when it was dropped and its rows are gone */
  checkpoint(number: number): Promise<Checkpoint>;
  status(name: string): Promise<ReadModelStatus | undefined>;
  totals(name: string): Promise<Readonly<Record<string, number>>>;
}

export interface OpenGeneration {
  readonly number: number;
  readonly checkpoint: Checkpoint;
}

export function postgresqlGenerations(db: Database): Generations {
  const opener = (name: string) =>
    db.prepare<[...CheckpointRow, number: number]>(`SELECT reached, event, number FROM $.${name}($1, $2, $3, $4)`);
  const open = opener('open_generation');
  const begin = opener('begin_generation');
  const swap = db.prepare<[found: boolean]>('SELECT $.swap_generation($1, $2, $3, $4)');
  const checkpoint = db.prepare<CheckpointRow>('SELECT position, event_id FROM $.generations WHERE number = $1');
  const status = db.prepare<[...CheckpointRow, state: 'live' | 'building', number: number, hash: string]>(
    `SELECT position, event_id, state, number, hash FROM $.generations
      WHERE read_model = $1 AND state = 'live' OR read_model = $1 AND state = 'building'`,
  );
  const totals = db.prepare<[totals: string]>(
    `SELECT totals FROM $.generations WHERE read_model = $1 AND state = 'live'`,
  );

  const opened = async (
    statement: typeof open,
    { name, hash }: ReadModelShape,
    fence: Fence,
  ): Promise<OpenGeneration> => {
    const [row] = await fenced(fence, (lease, token) => statement(keyText(name), hash, lease, token));
    const [position, eventId, number] = row ?? [0, null, 0];
    return { number, checkpoint: decodeCheckpoint([position, eventId]) };
  };

  return {
    open: (shape, fence) => opened(open, shape, fence),

    begin: (shape, fence) => opened(begin, shape, fence),

    async swap(name, number, fence) {
      const [row] = await fenced(fence, (lease, token) => swap(keyText(name), number, lease, token));
      if (row?.[0] !== true) throw noGeneration(number);
    },

    async checkpoint(number) {
      const [row] = await checkpoint(number);
      if (!row) throw noGeneration(number);
      return decodeCheckpoint(row);
    },

    async status(name) {
      const rows = await status(keyText(name));
      const inState = (wanted: 'live' | 'building') => {
        const row = rows.find(([, , state]) => state === wanted);
        if (!row) return undefined;
        const [position, eventId, , generation, hash] = row;
        return { generation, hash, checkpoint: decodeCheckpoint([position, eventId]) };
      };
      const [live, building] = [inState('live'), inState('building')];
      return live && { live, ...(building && { building }) };
    },

    totals: async (name) => JSON.parse((await totals(keyText(name)))[0]?.[0] ?? '{}'),
  };
}

export function noGeneration(number: number) {
  return failure('NOT_FOUND', { expected: `generation ${number} of the read model`, found: 'that it was dropped' });
}
