import type { EventId } from '../../../kernel/message.ts';
import type { LogRecord, LogTransfer } from '../../../ports/transfer.ts';
import { encodeData } from '../event-data.ts';
import { checkPart, freshEvents, isFreshClaim, isFreshCommand } from '../restoring.ts';
import { type CheckpointRow, decodeCheckpoint } from './checkpoints.ts';
import type { SqliteCursors } from './cursors.ts';
import type { Database } from './database.ts';
import type { LogParts } from './event-log.ts';
import { eventInserter, isoText } from './event-rows.ts';

/** A part is one transaction: what doesn't fit takes back what was written before it. */
export function sqliteTransfer(db: Database, parts: LogParts, cursors: SqliteCursors): LogTransfer {
  const { streams, types, claims, commands } = parts;
  const insertEvent = eventInserter(db);
  const last = db.prepare<[position: number, recordedAt: number]>(
    'SELECT position, recorded_at FROM events ORDER BY position DESC LIMIT 1',
  );
  const idAt = db.prepare<[id: EventId]>('SELECT id FROM events WHERE position = ?');
  const checkpoints = db.prepare<[...CheckpointRow, name: string]>('SELECT position, event_id, name FROM checkpoints');
  const addCheckpoint = db.prepare(
    'INSERT INTO checkpoints (name, position, event_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  );

  async function* pages<Item>(next: (after: Item | undefined) => readonly Item[]): AsyncGenerator<Item> {
    for (let after: Item | undefined; ; await db.pause()) {
      const from = after;
      const page = await db.read(() => next(from));
      yield* page;
      after = page.at(-1);
      if (after === undefined) return;
    }
  }

  const write = (record: LogRecord) => {
    switch (record.kind) {
      case 'command': {
        const { id, recordedAt, ...outcome } = record.record;
        const key = streams.keyFor(record.stream);
        if (!isFreshCommand(record.stream, record.record, commands.find(key, id))) return;
        return commands.add(key, record.record, { ...outcome, recordedAtMs: Date.parse(recordedAt) });
      }
      case 'claim': {
        const holder = claims.holder(record.claim);
        const by = holder === undefined ? undefined : streams.named(holder);
        if (isFreshClaim(record.claim, record.stream, by)) claims.take(record.claim, streams.keyFor(record.stream));
        return;
      }
      case 'cursor':
        return cursors.restore(record.cursor);
      case 'checkpoint': {
        const { position, eventId } = record.checkpoint;
        return void addCheckpoint.run(record.name, position, eventId ?? null);
      }
    }
  };

  return {
    async *records() {
      db.assertOpen();
      for (const [position, eventId, name] of await db.read(() => checkpoints.all())) {
        yield { kind: 'checkpoint', name, checkpoint: decodeCheckpoint([position, eventId]) };
      }
      for await (const { cursor } of pages(cursors.page)) yield { kind: 'cursor', cursor };
      for await (const { stream, record } of pages(commands.page)) yield { kind: 'command', stream, record };
      for await (const { claim, stream } of pages(claims.page)) yield { kind: 'claim', claim, stream };
    },

    async restore({ events, records }) {
      db.assertOpen();
      checkPart({ events, records });
      const data = new Map(events.map((event) => [event, encodeData(event)]));
      try {
        await db.write(() => {
          const [head, recordedAt] = last.get() ?? [0, 0];
          const fresh = freshEvents(events, {
            head,
            recordedAt: head === 0 ? '' : isoText(recordedAt),
            eventIdAt: (position) => idAt.get(position)?.[0],
            versionOf: (stream) => streams.find(stream)?.version ?? 0,
          });
          for (const event of fresh) {
            const stream = streams.keyFor(event.stream);
            const type = types.keyFor(event.stream.type, event.type);
            const { position, version } = event;
            insertEvent(
              event,
              { position, stream, version, type, recordedAtMs: Date.parse(event.recordedAt) },
              data.get(event),
            );
            streams.advance(stream, version, event.id);
          }
          for (const record of records) write(record);
        });
      } catch (error) {
        types.forget();
        throw error;
      }
    },
  };
}
