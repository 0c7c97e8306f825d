import type { CommandId, StreamId } from '../../../kernel/message.ts';
import type { CommandRecord } from '../../../ports/event-store.ts';
import { type CommandColumns, commandColumns, decodeCommand } from './batch-answer.ts';
import type { Database } from './database.ts';
import { streamNumbered } from './stream-lookup.ts';

/** The commands that were answered; the function `append` writes them and looks them up. */
export interface Commands {
  /** Forgets those recorded before `before` (ISO 8601); returns how many. */
  forget(before: string): Promise<number>;
  /** The next ones in the order of their recording. */
  page(after: StoredCommand | undefined): Promise<readonly StoredCommand[]>;
}

export interface StoredCommand {
  readonly key: number;
  readonly stream: StreamId;
  readonly record: CommandRecord;
}

const sliceCommands = 1000;

export function postgresqlCommands(db: Database): Commands {
  // Times of recording never decrease with the key, so the oldest are found without an index.
  const forgetOldest = db.prepare<[count: number]>(`WITH gone AS (DELETE FROM $.commands WHERE key IN (
      SELECT key FROM (SELECT key, recorded_at FROM $.commands ORDER BY key LIMIT ${sliceCommands}) x
      WHERE recorded_at < $1) RETURNING 1)
    SELECT count(*) FROM gone`);
  const page = db.prepare<[key: number, type: string, streamId: string, id: CommandId, ...CommandColumns]>(`SELECT
      c.key, s.type, s.id, c.id, ${commandColumns.replaceAll(/\w+/g, 'c.$&')}
    FROM (SELECT * FROM $.commands WHERE key > $1 ORDER BY key LIMIT ${sliceCommands}) c
    , ${streamNumbered('c.stream')} ORDER BY c.key`);
  return {
    async forget(before) {
      const beforeMs = Date.parse(before);
      for (let forgotten = 0; ; ) {
        const count = (await forgetOldest(beforeMs))[0]?.[0] ?? 0;
        forgotten += count;
        if (count < sliceCommands) return forgotten;
      }
    },

    async page(after) {
      const rows = await page(after?.key ?? 0);
      return rows.map(([key, type, streamId, id, ...columns]) => ({
        key,
        stream: { type, id: streamId },
        record: decodeCommand(id, columns),
      }));
    },
  };
}
