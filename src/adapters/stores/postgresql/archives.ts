import type { StreamId } from '../../../kernel/message.ts';
import type { StreamHead } from '../../../ports/event-store.ts';
import { createUnpacker, type PackedEvents, type Payload } from '../archive-codec.ts';
import type { Database } from './database.ts';

/** Payloads of old events, packed; their rows in `events` keep all that is looked for. */
export interface Archives {
  /** The last version of the stream that is packed, 0 before the first; undefined when the stream is not at `at`. */
  packedTo(stream: StreamId, at: StreamHead): Promise<number | undefined>;
  /** Keeps the pack and empties the events in it, in one commit. */
  add(stream: StreamId, packed: PackedEvents): Promise<void>;
  /** Of an event that is packed. @throws STORE_CORRUPT */
  payload(stream: StreamId, version: number): Promise<Payload>;
}

export function postgresqlArchives(db: Database): Archives {
  const packed = db.prepare<[version: number]>(`SELECT coalesce((SELECT max(a.last) FROM $.archives a
    WHERE a.stream = e.stream), 0) FROM (SELECT * FROM $.events
      WHERE stream = (SELECT key FROM $.streams WHERE type = $1 AND id = $2) ORDER BY version DESC LIMIT 1) e
    WHERE e.version = $3::integer AND e.id = $4`);
  // Two at once make the same pack: the second waits for the first, and adds nothing.
  const add = db.prepare(`WITH stream AS (SELECT key FROM $.streams WHERE type = $1 AND id = $2), added AS (
      INSERT INTO $.archives (stream, first, last, bytes) SELECT key, $3::integer, $4::integer, $5::bytea FROM stream
      ON CONFLICT DO NOTHING)
    UPDATE $.events SET data = NULL, meta = NULL
    WHERE stream = (SELECT key FROM stream) AND version BETWEEN $3 AND $4 AND data IS NOT NULL`);
  const find = db.prepare<[first: number, last: number, bytes: Buffer]>(`SELECT first, last, bytes FROM $.archives
    WHERE stream = (SELECT key FROM $.streams WHERE type = $1 AND id = $2) AND last >= $3::integer ORDER BY last LIMIT 1`);
  const unpacker = createUnpacker();
  return {
    packedTo: async ({ type, id }, { version, eventId }) => (await packed(type, id, version, eventId ?? null))[0]?.[0],

    async add({ type, id }, { from, to, bytes }) {
      await add(type, id, from, to, bytes);
    },

    async payload(stream, version) {
      const known = unpacker.find(stream, version);
      if (known) return known;
      const [row] = await find(stream.type, stream.id, version);
      return unpacker.open(stream, version, row && { from: row[0], to: row[1], bytes: row[2] });
    },
  };
}
