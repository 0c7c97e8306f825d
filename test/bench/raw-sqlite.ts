import { DatabaseSync } from 'node:sqlite';
import BetterSqlite3 from 'better-sqlite3';
import { migrate } from '../../src/adapters/stores/sqlite/schema.ts';
import { freshId } from '../../src/kernel/fresh-id.ts';

export interface RawCommits {
  /** How many commands of one event each, five a stream. */
  readonly commands: number;
  /** How many share a transaction, each of another stream. */
  readonly batch: number;
  /** A path where no file is. */
  readonly file: string;
  /** Whose SQLite writes. */
  readonly driver: 'better-sqlite3' | 'node:sqlite';
}

const commandsPerStream = 5;

/**
 * The ceiling of the SQLite store: the same rows in the same tables with the same durability, by the least code. Nothing
 * is read, checked, encoded or answered: the numbers of streams are known and all texts are made before the clock starts.
 */
export function rawCommitsPerSecond({ commands, batch, file, driver }: RawCommits): number {
  const schema = new DatabaseSync(file);
  migrate(schema, file);
  schema.close();
  const db = driver === 'node:sqlite' ? new DatabaseSync(file) : new BetterSqlite3(file);
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -32000');
  db.exec(`INSERT INTO event_types VALUES (1, 'User', 'UserProfileUpdated')`);
  const stream = db.prepare(`INSERT INTO streams VALUES (?, 'User', ?, 1, ?)`);
  const advance = db.prepare('UPDATE streams SET version = ?, last_event = ? WHERE key = ?');
  const claim = db.prepare('INSERT INTO claims VALUES (?, ?)');
  const event = db.prepare(`INSERT INTO events VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?, NULL, 'bench', 1, ?)`);
  const command = db.prepare(`INSERT INTO commands VALUES (NULL, ?, ?, 'fingerprint', ?, 1, ?, ?, NULL)`);
  const ids = Array.from({ length: commands }, () => [freshId(), freshId()] as const);
  const data = JSON.stringify({ firstName: 'Ada', lastName: 'Lovelace', updatedAt: '2026-01-02T03:04:05.678Z' });

  const startedMs = performance.now();
  for (let first = 0; first < commands; first += batch) {
    const now = Date.now();
    const time = new Date(now).toISOString();
    const round = Math.floor(first / batch);
    const version = (round % commandsPerStream) + 1;
    const firstKey = Math.floor(round / commandsPerStream) * batch + 1;
    db.exec('BEGIN IMMEDIATE');
    for (let at = 0; at < batch && first + at < commands; at += 1) {
      const key = firstKey + at;
      const [id, commandId] = ids[first + at] ?? ['', ''];
      const position = first + at + 1;
      if (version === 1) {
        stream.run(key, `user-${key}`, id);
        claim.run(`email:user-${key}@example.org`, key);
      } else advance.run(version, id, key);
      event.run(position, key, version, now, id, time, commandId, commandId, commandId, data);
      command.run(key, commandId, version, position, now);
    }
    db.exec('COMMIT');
  }
  const seconds = (performance.now() - startedMs) / 1000;
  db.close();
  return commands / seconds;
}
