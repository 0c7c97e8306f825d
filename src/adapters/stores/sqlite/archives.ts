import type { StreamId } from '../../../kernel/message.ts';
import { createUnpacker, type PackedEvents, type Payload } from '../archive-codec.ts';
import type { Database } from './database.ts';

/** Payloads of old events, packed; their rows in `events` keep all that is looked for. */
export interface Archives {
  /** The last version of the stream that is packed; 0 before the first. */
  packedTo(stream: number): number;
  /** Keeps the pack and empties the events in it; inside a transaction. */
  add(stream: number, packed: PackedEvents): void;
  /** Of an event that is packed. @throws STORE_CORRUPT */
  payload(stream: StreamId, version: number): Promise<Payload>;
}

type LightRow = [
  position: number,
  version: number,
  type: number,
  recordedAt: number,
  id: string,
  correlationId: string,
];

/**
 * Rows are removed and put back rather than updated: only then does SQLite join pages that have become mostly empty, so
 * that others may use the room (btree.c: a page is balanced after a delete, but not after a row that became shorter).
 */
export function sqliteArchives(db: Database): Archives {
  const last = db.prepare<[version: number]>('SELECT coalesce(max(last), 0) FROM archives WHERE stream = ?');
  const insert = db.prepare('INSERT INTO archives (stream, first, last, payload) VALUES (?, ?, ?, ?)');
  const light = db.prepare<LightRow>(`SELECT position, version, type, recorded_at, id, correlation_id FROM events
    WHERE stream = ? AND version BETWEEN ? AND ?`);
  const remove = db.prepare('DELETE FROM events WHERE stream = ? AND version BETWEEN ? AND ?');
  const insertLight = db.prepare(`INSERT INTO events (stream, position, version, type, recorded_at, id, correlation_id,
    data, schema, occurred_at, command_id, causation_id, source) VALUES (?, ?, ?, ?, ?, ?, ?, '', 0, '', '', '', '')`);
  const find = db.prepare<[first: number, last: number, payload: NodeJS.NonSharedUint8Array]>(
    `SELECT first, last, payload FROM archives
    WHERE stream = (SELECT key FROM streams WHERE type = ? AND id = ?) AND first <= ? ORDER BY first DESC LIMIT 1`,
  );
  const unpacker = createUnpacker();
  return {
    packedTo: (stream) => last.get(stream)?.[0] ?? 0,

    add(stream, { from, to, bytes }) {
      insert.run(stream, from, to, bytes);
      const rows = light.all(stream, from, to);
      remove.run(stream, from, to);
      for (const row of rows) insertLight.run(stream, ...row);
    },

    async payload(stream, version) {
      const known = unpacker.find(stream, version);
      if (known) return known;
      const row = await db.read(() => find.get(stream.type, stream.id, version));
      return unpacker.open(stream, version, row && { from: row[0], to: row[1], bytes: row[2] });
    },
  };
}
