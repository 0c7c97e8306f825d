import type { EventId } from '../../../kernel/message.ts';
import type { Checkpoint, CheckpointStore } from '../../../ports/coordination.ts';
import type { Database } from './database.ts';
import { fenced } from './fenced.ts';
import { keyText } from './key-text.ts';

/** The columns `position, event_id`. */
export type CheckpointRow = [position: number, eventId: EventId | null];

export const decodeCheckpoint = ([position, eventId]: CheckpointRow): Checkpoint => ({
  position,
  ...(eventId !== null && { eventId }),
});

export function postgresqlCheckpoints(db: Database): CheckpointStore {
  const find = db.prepare<CheckpointRow>('SELECT position, event_id FROM $.checkpoints WHERE name = $1');
  const save = db.prepare('SELECT $.save_checkpoint($1, $2, $3, $4, $5)');
  return {
    async load(name) {
      const [row] = await find(keyText(name));
      return row && decodeCheckpoint(row);
    },

    async save(name, { position, eventId }, fence) {
      await fenced(fence, (lease, token) => save(keyText(name), position, eventId ?? null, lease, token));
    },
  };
}
