import type { CommandId, StreamId } from '../../../kernel/message.ts';
import type { CommandRecord, CommandRecordInput } from '../../../ports/event-store.ts';
import type { Database } from './database.ts';
import { isoText } from './event-rows.ts';

/** The commands that were answered, so that sending one again is noticed. */
export interface Commands {
  find(stream: number, id: CommandId): CommandRecord | undefined;
  add(stream: number, command: CommandRecordInput, outcome: CommandOutcome): void;
  /** Forgets those recorded before `before` (ISO 8601); returns how many. */
  forget(before: string): Promise<number>;
  /** Some, after that one, in the order of recording. */
  page(after: KeyedCommand | undefined): readonly KeyedCommand[];
}

export interface KeyedCommand {
  readonly key: number;
  readonly stream: StreamId;
  readonly record: CommandRecord;
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

const columns = 'c.fingerprint, c.version, c.count, c.position, c.recorded_at, c.refused';

const sliceCommands = 500;

export function sqliteCommands(db: Database): Commands {
  const find = db.prepare<CommandRow>(`SELECT ${columns} FROM commands c WHERE stream = ? AND id = ?`);
  const add = db.prepare(`INSERT INTO commands (stream, id, fingerprint, version, count, position, recorded_at, refused)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)`);
  // Times of recording never decrease with the key, so the oldest are found without an index.
  const forgetOldest = db.prepare(`DELETE FROM commands WHERE key <= (
    SELECT max(key) FROM (SELECT key, recorded_at FROM commands ORDER BY key LIMIT ${sliceCommands})
    WHERE recorded_at < ?)`);
  const page = db.prepare<[...CommandRow, key: number, id: CommandId, streamType: string, streamId: string]>(
    `SELECT ${columns}, c.key, c.id, s.type, s.id FROM commands c CROSS JOIN streams s ON s.key = c.stream
    WHERE c.key > ? ORDER BY c.key LIMIT ${sliceCommands}`,
  );

  return {
    find(stream, id) {
      const row = find.get(stream, id);
      return row && decodeCommand(id, row);
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

    page: (after) =>
      page.all(after?.key ?? 0).map((row) => {
        const [, , , , , , key, commandId, type, id] = row;
        return { key, stream: { type, id }, record: decodeCommand(commandId, row) };
      }),
  };
}

function decodeCommand(id: CommandId, row: readonly [...CommandRow, ...unknown[]]): CommandRecord {
  const [fingerprint, version, count, position, recordedAt, refused] = row;
  const outcome = { version, count, position, recordedAt: isoText(recordedAt) };
  return { id, fingerprint, ...outcome, ...(refused !== null && { refused: JSON.parse(refused) }) };
}
