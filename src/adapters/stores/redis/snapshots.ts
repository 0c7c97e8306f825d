import type { Snapshot, SnapshotStore } from '../../../ports/event-store.ts';
import type { Connection } from './connection.ts';
import type { Keys } from './keys.ts';
import { script } from './script.ts';

/**
 * KEYS: each snapshot's stream. ARGV: per snapshot: machine hash, version, JSON. The last one becomes the one before,
 * unless it is not older. Each value begins with its version.
 */
const saveScript = script(`
for i, key in ipairs(KEYS) do
  local hash, version, json = ARGV[3 * i - 2], ARGV[3 * i - 1], ARGV[3 * i]
  local last = redis.call('HGET', key, hash)
  if not last or tonumber(string.match(last, '^%d+')) < tonumber(version) then
    if last then redis.call('HSET', key, hash .. ' previous', last) end
    redis.call('HSET', key, hash, version .. ' ' .. json)
  end
end
`);

/** The last two of each stream and machine hash. */
export function redisSnapshots(connection: Connection, keys: Keys): SnapshotStore {
  return {
    async save(snapshots) {
      connection.assertOpen();
      if (snapshots.length === 0) return;
      const args = snapshots.flatMap(({ machineHash, version, eventId, state }) => {
        return [machineHash, version, JSON.stringify({ eventId, state })];
      });
      await connection.run(
        saveScript,
        snapshots.map(({ stream }) => keys.snapshots(stream)),
        args,
      );
    },

    async load(stream, machineHash, maxVersion = Number.MAX_SAFE_INTEGER) {
      const fields = [machineHash, `${machineHash} previous`];
      const kept = await connection.send<(string | null)[]>('HMGET', keys.snapshots(stream), ...fields);
      for (const text of kept) {
        const version = Number.parseInt(text ?? '', 10);
        if (text === null || version > maxVersion) continue;
        const { eventId, state }: Pick<Snapshot, 'eventId' | 'state'> = JSON.parse(text.slice(text.indexOf(' ') + 1));
        return { stream: { type: stream.type, id: stream.id }, machineHash, version, eventId, state };
      }
      return undefined;
    },

    async delete(stream) {
      await connection.send('UNLINK', keys.snapshots(stream));
    },
  };
}
