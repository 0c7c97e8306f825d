import type { Checkpoint, CheckpointStore } from '../../../ports/coordination.ts';
import type { Connection } from './connection.ts';
import { fencedScript, runFenced } from './fencing.ts';
import type { Keys } from './keys.ts';

/** KEYS: lease, checkpoints. ARGV: token, name, checkpoint as JSON. */
const saveScript = fencedScript(`redis.call('HSET', KEYS[2], ARGV[2], ARGV[3]) return 1`);

export const encodeCheckpoint = ({ position, eventId }: Checkpoint): string => JSON.stringify({ position, eventId });

export const decodeCheckpoint = (text: string): Checkpoint => JSON.parse(text);

export function redisCheckpoints(connection: Connection, keys: Keys): CheckpointStore {
  return {
    async load(name) {
      const text = await connection.send<string | null>('HGET', keys.checkpoints, name);
      return text === null ? undefined : decodeCheckpoint(text);
    },

    async save(name, checkpoint, fence) {
      connection.assertOpen();
      const args = [name, encodeCheckpoint(checkpoint)];
      await runFenced(connection, keys, fence, saveScript, [keys.checkpoints], args);
    },
  };
}
