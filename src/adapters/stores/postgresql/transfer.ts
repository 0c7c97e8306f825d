import type { LogTransfer } from '../../../ports/transfer.ts';
import { encodeData } from '../event-data.ts';
import { checkPart } from '../restoring.ts';
import { type CheckpointRow, decodeCheckpoint } from './checkpoints.ts';
import { type CursorRow, cursorColumns, decodeCursor } from './cursors.ts';
import type { Database } from './database.ts';
import type { LogParts } from './event-log.ts';
import { restorePart } from './restore-part.ts';
import { streamNumbered } from './stream-lookup.ts';

const sliceCursors = 1000;

type CursorPlace = [stream: number, ...CursorRow];

export function postgresqlTransfer(db: Database, { commands, claims }: LogParts): LogTransfer {
  const checkpoints = db.prepare<[name: string, ...CheckpointRow]>(
    'SELECT name, position, event_id FROM $.checkpoints',
  );
  const cursors = db.prepare<CursorPlace>(`SELECT c.stream, ${cursorColumns}
    FROM (SELECT * FROM $.cursors WHERE (subscription, stream) > ($1, $2)
      ORDER BY subscription, stream LIMIT ${sliceCursors}) c
    , ${streamNumbered('c.stream')} ORDER BY c.subscription, c.stream`);

  async function* pages<Item>(next: (after: Item | undefined) => Promise<readonly Item[]>): AsyncGenerator<Item> {
    for (let after: Item | undefined; ; db.assertOpen()) {
      const page = await next(after);
      yield* page;
      after = page.at(-1);
      if (after === undefined) return;
    }
  }

  return {
    async *records() {
      db.assertOpen();
      for (const [name, ...columns] of await checkpoints()) {
        yield { kind: 'checkpoint', name, checkpoint: decodeCheckpoint(columns) };
      }
      for await (const [, ...columns] of pages<CursorPlace>((after) => cursors(after?.[1] ?? '', after?.[0] ?? 0))) {
        yield { kind: 'cursor', cursor: decodeCursor(columns) };
      }
      for await (const { stream, record } of pages(commands.page)) yield { kind: 'command', stream, record };
      for await (const { claim, stream } of pages(claims.page)) yield { kind: 'claim', claim, stream };
    },

    async restore(part) {
      db.assertOpen();
      checkPart(part);
      const data = new Map(part.events.map((event) => [event, encodeData(event)]));
      await db.transaction((run) => restorePart(run, part, data));
    },
  };
}
