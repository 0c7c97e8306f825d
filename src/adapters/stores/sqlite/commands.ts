import type { CommandId } from '../../../kernel/message.ts';
import type { CommandRecord, CommandRecordInput } from '../../../ports/event-store.ts';
import type { Database } from './database.ts';
import { isoText } from './event-rows.ts';

/** The commands that were answered, so that sending one again is noticed. */
export interface Commands {
  find(stream: number, id: CommandId): CommandRecord | undefined;
  add(stream: number, command: CommandRecordInput, outcome: CommandOutcome): void;
  /** Forgets those recorded before `before` (ISO 8601); returns how many. */
  forget(before: string): Promise<number>;
}

export interface CommandOutcome {
  readonly version: number;
  readonly count: number;
  readonly position: number;
  readonly recordedAtMs: number;
}

type CommandRow = [
  fingerprint: string,
  version: number,
  count: number,
  position: number,
  recordedAt: number,
  refused: string | null,
];

const sliceCommands = 500;

export function sqliteCommands(db: Database): Commands {
  const find = db.prepare<CommandRow>(
    'SELECT fingerprint, version, count, position, recorded_at, refused FROM commands WHERE stream = ? AND id = ?',
  );
  const add = db.prepare(`INSERT INTO commands (stream, id, fingerprint, version, count, position, recorded_at, refused)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)`);
  // Times of recording never decrease with the key, so the oldest are found without an index.
  const forgetOldest = db.prepare(`DELETE FROM commands WHERE key <= (
    SELECT max(key) FROM (SELECT key, recorded_at FROM commands ORDER BY key LIMIT ${sliceCommands})
    WHERE recorded_at < ?)`);

  return {
    find(stream, id) {
      const row = find.get(stream, id);
      if (!row) return undefined;
      const [fingerprint, version, count, position, recordedAt, refused] = row;
      const outcome = { version, count, position, recordedAt: isoText(recordedAt) };
      return { id, fingerprint, ...outcome, ...(refused !== null && { refused: JSON.parse(refused) }) };
    },

    add(stream, { id, fingerprint, refused }, { version, count, position, recordedAtMs }) {
      const refusal = refused ? JSON.stringify(refused) : null;
      add.run(stream, id, fingerprint, version, count, position, recordedAtMs, refusal);
    },

    async forget(before) {
      const beforeMs = Date.parse(before);
      for (let forgotten = 0; ; await db.pause()) {
        const { changes } = await db.write(() => forgetOldest.run(beforeMs));
        forgotten += Number(changes);
        if (Number(changes) < sliceCommands) return forgotten;
      }
    },
  };
}
