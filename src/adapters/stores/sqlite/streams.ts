import type { EventId, StreamId } from '../../../kernel/message.ts';
import type { Database } from './database.ts';

/** A stream as the file knows it: by a number, which never changes. */
export interface StoredStream {
  readonly key: number;
  /** 0 when it has no events: a refused command or a cursor made it known. */
  readonly version: number;
  readonly lastEvent: EventId | null;
}

/** Streams by address and by number. Nothing is cached: another process may have changed the file since. */
export interface Streams {
  find(stream: StreamId): StoredStream | undefined;
  /** Who has this number. */
  named(key: number): StreamId;
  /** Adds a stream that `find` did not find; returns its number. */
  add(stream: StreamId, version: number, lastEvent: EventId | null): number;
  /** The number of a stream, known or not. */
  keyFor(stream: StreamId): number;
  advance(key: number, version: number, lastEvent: EventId): void;
}

export function sqliteStreams(db: Database): Streams {
  const find = db.prepare<[key: number, version: number, lastEvent: EventId | null]>(
    'SELECT key, version, last_event FROM streams WHERE type = ? AND id = ?',
  );
  const named = db.prepare<[type: string, id: string]>('SELECT type, id FROM streams WHERE key = ?');
  const add = db.prepare('INSERT INTO streams (type, id, version, last_event) VALUES (?, ?, ?, ?)');
  const advance = db.prepare('UPDATE streams SET version = ?, last_event = ? WHERE key = ?');

  const streams: Streams = {
    find({ type, id }) {
      const row = find.get(type, id);
      return row && { key: row[0], version: row[1], lastEvent: row[2] };
    },
    named(key) {
      const [type, id] = named.get(key) ?? ['', ''];
      return { type, id };
    },
    add: ({ type, id }, version, lastEvent) => Number(add.run(type, id, version, lastEvent).lastInsertRowid),
    keyFor: (stream) => streams.find(stream)?.key ?? streams.add(stream, 0, null),
    advance(key, version, lastEvent) {
      advance.run(version, lastEvent, key);
    },
  };
  return streams;
}
