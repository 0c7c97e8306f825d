import { failure } from '../../../kernel/errors.ts';
import type { Checkpoint } from '../../../ports/coordination.ts';
import type { ReadModelShape, ReadModelStatus } from '../../../ports/read-model.ts';
import { type CheckpointRow, decodeCheckpoint } from './checkpoints.ts';
import type { Database } from './database.ts';

/** The number of a read model's live generation, for the middle of a statement; its parameter is the name. */
export const liveGeneration = `(SELECT number FROM generations WHERE read_model = ? AND state = 'live')`;

/** The generations of all read models. What changes them is for the inside of a transaction. */
export interface Generations {
  /** The number of the live one or the one being built when it has this hash, else of a new one. */
  open(shape: ReadModelShape): number;
  /** The number of a new one; what was being built is dropped. */
  begin(shape: ReadModelShape): number;
  /** @throws NOT_FOUND when it neither is live nor being built */
  swap(name: string, number: number): void;
  /** @throws NOT_FOUND when it was dropped */
  save(number: number, checkpoint: Checkpoint, changes: ReadonlyMap<string, number>): void;
  checkpoint(number: number): Checkpoint;
  live(name: string): number | undefined;
  status(name: string): ReadModelStatus | undefined;
  totals(name: string): Readonly<Record<string, number>>;
}

type State = 'live' | 'building' | 'dropped';
type GenerationRow = [...CheckpointRow, number: number, hash: string];

export function sqliteGenerations(db: Database): Generations {
  const find = db.prepare<GenerationRow>(
    'SELECT position, event_id, number, hash FROM generations WHERE read_model = ? AND state = ?',
  );
  const insert = db.prepare('INSERT INTO generations (read_model, hash, state) VALUES (?, ?, ?)');
  const change = db.prepare('UPDATE generations SET state = ? WHERE read_model = ? AND state = ?');
  const checkpoint = db.prepare<CheckpointRow>('SELECT position, event_id FROM generations WHERE number = ?');
  const totals = db.prepare<[totals: string]>(
    `SELECT totals FROM generations WHERE number = ? AND state IN ('live', 'building')`,
  );
  const save = db.prepare('UPDATE generations SET position = ?, event_id = ?, totals = ? WHERE number = ?');
  const liveNumber = db.prepare<[number: number | null]>(`SELECT ${liveGeneration}`);
  const liveTotals = db.prepare<[totals: string]>(`SELECT totals FROM generations WHERE number = ${liveGeneration}`);

  const inState = (name: string, state: State) => {
    const row = find.get(name, state);
    if (!row) return undefined;
    const [position, eventId, generation, hash] = row;
    return { generation, hash, checkpoint: decodeCheckpoint([position, eventId]) };
  };

  const begin = ({ name, hash }: ReadModelShape) => {
    change.run('dropped', name, 'building');
    const state: State = inState(name, 'live') ? 'building' : 'live';
    return Number(insert.run(name, hash, state).lastInsertRowid);
  };

  return {
    open(shape) {
      const { name, hash } = shape;
      const known = [inState(name, 'live'), inState(name, 'building')].find((one) => one?.hash === hash);
      return known?.generation ?? begin(shape);
    },

    begin,

    swap(name, number) {
      if (inState(name, 'building')?.generation === number) {
        change.run('dropped', name, 'live');
        change.run('live', name, 'building');
      } else if (inState(name, 'live')?.generation === number) change.run('dropped', name, 'building');
      else throw noGeneration(number);
    },

    save(number, { position, eventId }, changes) {
      const stored = totals.get(number)?.[0];
      if (stored === undefined) throw noGeneration(number);
      save.run(position, eventId ?? null, changes.size === 0 ? stored : added(stored, changes), number);
    },

    checkpoint(number) {
      const row = checkpoint.get(number);
      if (!row) throw noGeneration(number);
      return decodeCheckpoint(row);
    },

    live: (name) => liveNumber.get(name)?.[0] ?? undefined,

    status(name) {
      const live = inState(name, 'live');
      const building = inState(name, 'building');
      return live && { live, ...(building && { building }) };
    },

    totals: (name) => JSON.parse(liveTotals.get(name)?.[0] ?? '{}'),
  };
}

function added(stored: string, changes: ReadonlyMap<string, number>): string {
  const totals = new Map(Object.entries<number>(JSON.parse(stored)));
  for (const [name, amount] of changes) totals.set(name, (totals.get(name) ?? 0) + amount);
  return JSON.stringify(Object.fromEntries(totals));
}

function noGeneration(number: number) {
  return failure('NOT_FOUND', { expected: `generation ${number} of the read model`, found: 'that it was dropped' });
}
