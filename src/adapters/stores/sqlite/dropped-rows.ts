import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from './database.ts';

/** Deletes what dropped generations left behind. */
export interface DroppedRows {
  /** Begins to delete, unless it is under way; it goes on in the background until nothing is left. */
  sweep(): void;
}

/** How long one transaction deletes, and at most how many rows of each table. */
const sliceMs = 3;
const sliceRows = 500;

/** Between two transactions: as long again, so that others get the event loop and the write lock. */
const pauseMs = 5;

/** A million rows are deleted in many small transactions; what a crash interrupts, the next process goes on with. */
export function sqliteDroppedRows(db: Database): DroppedRows {
  const dropped = db.prepare<[number: number]>(`SELECT number FROM generations WHERE state = 'dropped' LIMIT 1`);
  const deleteIndex = db.prepare(`DELETE FROM read_model_index WHERE (generation, name, value, place, id) IN
    (SELECT generation, name, value, place, id FROM read_model_index WHERE generation = ? LIMIT ${sliceRows})`);
  // In their order, in which rows mostly were written, neighbours share their pages.
  const keys = db.prepare<[key: number]>(`SELECT key FROM read_model_rows WHERE generation = ?
    ORDER BY place, id LIMIT ${sliceRows}`);
  const deleteRow = db.prepare('DELETE FROM read_model_rows WHERE key = ?');
  const forget = db.prepare('DELETE FROM generations WHERE number = ?');

  const slice = (number: number) => {
    const deadline = performance.now() + sliceMs;
    if (Number(deleteIndex.run(number).changes) > 0) return;
    const found = keys.all(number);
    for (const [key] of found) {
      deleteRow.run(key);
      if (performance.now() > deadline) return;
    }
    if (found.length === 0) forget.run(number);
  };

  const sweepAll = async () => {
    for (;;) {
      const number = await db.read(() => dropped.get()?.[0]);
      if (number === undefined) return;
      await db.write(() => slice(number));
      await delay(pauseMs, undefined, { ref: false });
    }
  };

  let sweeping = false;
  return {
    sweep() {
      if (sweeping) return;
      sweeping = true;
      sweepAll()
        // Closed, full or read-only: nobody misses the room, and the next drop or the next process tries again.
        .catch(() => {})
        .finally(() => {
          sweeping = false;
        });
    },
  };
}
