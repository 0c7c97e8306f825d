import type { EventId } from '../../../kernel/message.ts';
import type { Snapshot, SnapshotStore } from '../../../ports/event-store.ts';
import type { Database } from './database.ts';
import type { Streams } from './streams.ts';

type SnapshotRow = [version: number, eventId: EventId, state: string];

/** How many are kept per stream and machine hash. */
const kept = 2;

/** The last two of each stream and machine hash. */
export function sqliteSnapshots(db: Database, streams: Streams): SnapshotStore {
  const latest = db.prepare<SnapshotRow>(`SELECT version, event_id, state FROM snapshots
    WHERE stream = ? AND machine_hash = ? AND version <= ? ORDER BY version DESC LIMIT 1`);
  const lastVersion = db.prepare<[version: number | null]>(
    'SELECT max(version) FROM snapshots WHERE stream = ? AND machine_hash = ?',
  );
  const insert = db.prepare(
    'INSERT INTO snapshots (stream, machine_hash, version, event_id, state) VALUES (?, ?, ?, ?, ?)',
  );
  const prune = db.prepare(`DELETE FROM snapshots WHERE stream = ?1 AND machine_hash = ?2 AND version <
    (SELECT version FROM snapshots WHERE stream = ?1 AND machine_hash = ?2 ORDER BY version DESC LIMIT 1 OFFSET ${kept - 1})`);
  const forget = db.prepare('DELETE FROM snapshots WHERE stream = ?');

  const store = ({ stream, machineHash, version, eventId }: Snapshot, text: string) => {
    const key = streams.keyFor(stream);
    if (version <= (lastVersion.get(key, machineHash)?.[0] ?? 0)) return;
    insert.run(key, machineHash, version, eventId, text);
    prune.run(key, machineHash);
  };

  return {
    async save(snapshots) {
      db.assertOpen();
      const texts = snapshots.map(({ state }) => JSON.stringify(state));
      await db.write(() => {
        for (const [at, snapshot] of snapshots.entries()) store(snapshot, texts[at] ?? 'null');
      });
    },

    load: (stream, machineHash, maxVersion = Number.MAX_SAFE_INTEGER) =>
      db.read(() => {
        const key = streams.find(stream)?.key;
        const row = key === undefined ? undefined : latest.get(key, machineHash, maxVersion);
        if (!row) return undefined;
        const [version, eventId, state] = row;
        const { type, id } = stream;
        return { stream: { type, id }, machineHash, version, eventId, state: JSON.parse(state) };
      }),

    async delete(stream) {
      await db.write(() => {
        const key = streams.find(stream)?.key;
        if (key !== undefined) forget.run(key);
      });
    },
  };
}
