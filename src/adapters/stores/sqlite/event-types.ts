import { matchesPattern } from '../../../ports/event-bus.ts';
import type { LogFilter } from '../../../ports/event-store.ts';
import type { Database } from './database.ts';

interface EventType {
  readonly streamType: string;
  readonly type: string;
}

/** The types of events, per type of stream, as the small numbers that the log holds in their place. */
export interface EventTypes {
  /** The number of a type, made when it has none; inside a transaction only. */
  keyFor(streamType: string, type: string): number;
  /** To be called when the transaction failed: the numbers that it made are not in the file. */
  forget(): void;
  named(key: number): string;
  /** The numbers that the filter lets through; undefined when it does not look at types. */
  matching(filter: LogFilter): ReadonlySet<number> | undefined;
}

export function sqliteEventTypes(db: Database): EventTypes {
  const newer = db.prepare<[key: number, streamType: string, type: string]>(
    'SELECT key, stream_type, type FROM event_types WHERE key > ? ORDER BY key',
  );
  const add = db.prepare('INSERT INTO event_types (stream_type, type) VALUES (?, ?)');
  // A number never changes and is never given twice, so both may be cached.
  const byKey = new Map<number, EventType>();
  const byName = new Map<string, Map<string, number>>();
  let lastKey = 0;

  const know = (key: number, streamType: string, type: string) => {
    byKey.set(key, { streamType, type });
    const keys = byName.get(streamType) ?? new Map<string, number>();
    byName.set(streamType, keys);
    keys.set(type, key);
    lastKey = key;
  };

  /** Learns what this or another process has added. */
  const refresh = () => {
    for (const row of newer.all(lastKey)) know(...row);
  };

  return {
    keyFor(streamType, type) {
      const known = byName.get(streamType)?.get(type);
      if (known !== undefined) return known;
      refresh();
      const found = byName.get(streamType)?.get(type);
      if (found !== undefined) return found;
      const key = Number(add.run(streamType, type).lastInsertRowid);
      know(key, streamType, type);
      return key;
    },

    forget() {
      byKey.clear();
      byName.clear();
      lastKey = 0;
    },

    named(key) {
      if (!byKey.has(key)) refresh();
      return byKey.get(key)?.type ?? '';
    },

    matching({ types, pattern }) {
      if (types === undefined && pattern === undefined) return undefined;
      refresh();
      const keys = new Set<number>();
      for (const [key, { streamType, type }] of byKey) {
        if (types && !types.includes(type)) continue;
        if (pattern === undefined || matchesPattern(pattern, streamType, type)) keys.add(key);
      }
      return keys;
    },
  };
}
