import type { Database } from './database.ts';

/** Deletes what dropped generations left behind. */
export interface DroppedRows {
  /** Begins to delete, unless it is under way; it goes on in the background until nothing is left. */
  sweep(): void;
}

/** Rows per transaction, so that it holds the event loop and the write lock for milliseconds only. */
const sliceRows = 250;

/** A million rows are deleted in many small transactions; what a crash interrupts, the next process goes on with. */
export function sqliteDroppedRows(db: Database): DroppedRows {
  const dropped = db.prepare<[number: number]>(`SELECT number FROM generations WHERE state = 'dropped' LIMIT 1`);
  const deleteIndex = db.prepare(`DELETE FROM read_model_index WHERE (generation, name, value, place, id) IN
    (SELECT generation, name, value, place, id FROM read_model_index WHERE generation = ? LIMIT ${sliceRows})`);
  const deleteRows = db.prepare(`DELETE FROM read_model_rows WHERE key IN
    (SELECT key FROM read_model_rows WHERE generation = ? LIMIT ${sliceRows})`);
  const forget = db.prepare(`DELETE FROM generations WHERE number = ?`);

  const slice = (number: number) => {
    const { changes } = deleteIndex.run(number);
    if (Number(changes) + Number(deleteRows.run(number).changes) === 0) forget.run(number);
  };

  const sweepAll = async () => {
    for (;;) {
      const number = await db.read(() => dropped.get()?.[0]);
      if (number === undefined) return;
      await db.write(() => slice(number));
      await db.pause();
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
