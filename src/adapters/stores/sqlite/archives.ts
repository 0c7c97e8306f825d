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

export function sqliteArchives(db: Database): Archives {
  const last = db.prepare<[version: number]>('SELECT coalesce(max(last), 0) FROM archives WHERE stream = ?');
  const insert = db.prepare('INSERT INTO archives (stream, first, last, payload) VALUES (?, ?, ?, ?)');
  const empty = db.prepare(`UPDATE events SET data = '', schema = 0, occurred_at = '', command_id = '',
    causation_id = '', user_id = NULL, source = '' WHERE stream = ? AND version BETWEEN ? AND ?`);
  const find = db.prepare<[first: number, last: number, payload: NodeJS.NonSharedUint8Array]>(
    `SELECT first, last, payload FROM archives
    WHERE stream = (SELECT key FROM streams WHERE type = ? AND id = ?) AND first <= ? ORDER BY first DESC LIMIT 1`,
  );
  const unpacker = createUnpacker();
  return {
    packedTo: (stream) => last.get(stream)?.[0] ?? 0,

    add(stream, { from, to, bytes }) {
      insert.run(stream, from, to, bytes);
      empty.run(stream, from, to);
    },

    async payload(stream, version) {
      const known = unpacker.find(stream, version);
      if (known) return known;
      const row = await db.read(() => find.get(stream.type, stream.id, version));
      return unpacker.open(stream, version, row && { from: row[0], to: row[1], bytes: row[2] });
    },
  };
}
