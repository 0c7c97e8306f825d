import type { EventId } from '../../../kernel/message.ts';
import type { Checkpoint, CheckpointStore, Fence } from '../../../ports/coordination.ts';
import type { Database } from './database.ts';

/** The columns `position, event_id`. */
export type CheckpointRow = [position: number, eventId: EventId | null];

export const decodeCheckpoint = ([position, eventId]: CheckpointRow): Checkpoint => ({
  position,
  ...(eventId !== null && { eventId }),
});

export function sqliteCheckpoints(db: Database, assertFence: (fence: Fence) => void): CheckpointStore {
  const find = db.prepare<CheckpointRow>('SELECT position, event_id FROM checkpoints WHERE name = ?');
  const save = db.prepare(`INSERT INTO checkpoints (name, position, event_id) VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET position = excluded.position, event_id = excluded.event_id`);
  return {
    load: (name) =>
      db.read(() => {
        const row = find.get(name);
        return row && decodeCheckpoint(row);
      }),

    save: (name, { position, eventId }, fence) =>
      db.write(() => {
        assertFence(fence);
        save.run(name, position, eventId ?? null);
      }),
  };
}
