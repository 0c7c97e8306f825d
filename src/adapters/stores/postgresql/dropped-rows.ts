import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from './database.ts';

/** Deletes what dropped generations left behind. */
export interface DroppedRows {
  /** Begins to delete, unless it is under way; it goes on in the background until nothing is left. */
  sweep(): void;
}

/** How many rows one transaction deletes at most: a few milliseconds' work. */
const sliceRows = 1000;

/** Between two transactions: others get the server. */
const pauseMs = 5;

/** A million rows are deleted in many small transactions; what a crash interrupts, the next process goes on with. */
export function postgresqlDroppedRows(db: Database): DroppedRows {
  const dropped = db.prepare<[number: number]>(
    `SELECT number FROM $.generations WHERE state = 'dropped' ORDER BY number LIMIT 1`,
  );
  const deleteFrom = (table: string, columns: string) =>
    db.prepare<[count: number]>(`WITH gone AS (DELETE FROM ${table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM ${table}
        WHERE generation = $1 ORDER BY ${columns} LIMIT ${sliceRows} FOR UPDATE SKIP LOCKED)) RETURNING 1)
      SELECT count(*) FROM gone`);
  const deleteIndex = deleteFrom('$.read_model_index', 'generation, name, value, place, id');
  const deleteRows = deleteFrom('$.read_model_rows', 'generation, place, id');
  // Not before its rows are gone, those as well that another process is deleting.
  const forget = db.prepare(`DELETE FROM $.generations g WHERE g.number = $1
    AND NOT EXISTS (SELECT FROM $.read_model_rows r WHERE r.generation = g.number)
    AND NOT EXISTS (SELECT FROM $.read_model_index i WHERE i.generation = g.number)`);

  const sweepAll = async () => {
    for (;;) {
      const number = (await dropped())[0]?.[0];
      if (number === undefined) return;
      const [index] = await deleteIndex(number);
      const [rows] = index?.[0] === 0 ? await deleteRows(number) : [];
      if (rows?.[0] === 0) await forget(number);
      await delay(pauseMs, undefined, { ref: false });
    }
  };

  let sweeping = false;
  return {
    sweep() {
      if (sweeping) return;
      sweeping = true;
      sweepAll()
        // Closed, cut off, full or read-only: nobody misses the room, and the next drop or the next process tries again.
        .catch(() => {})
        .finally(() => {
          sweeping = false;
        });
    },
  };
}
