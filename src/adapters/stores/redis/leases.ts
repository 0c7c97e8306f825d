import type { LeaseRecord, LeaseStore } from '../../../ports/coordination.ts';
import type { Connection } from './connection.ts';
import type { Keys } from './keys.ts';
import { script } from './script.ts';

type Fields = readonly [token: string | null, beat: string | null, holder: string | null];

/** KEYS: lease. ARGV: holder, token and beat as seen. Gives whether it was taken, then the lease as it now is. */
const takeScript = script(`
local lease = KEYS[1]
local token, beat = tonumber(redis.call('HGET', lease, 'token') or 0), tonumber(redis.call('HGET', lease, 'beat') or 0)
local taken = token == tonumber(ARGV[2]) and beat == tonumber(ARGV[3])
if taken then redis.call('HSET', lease, 'token', whole(token + 1), 'beat', whole(beat), 'holder', ARGV[1]) end
return { taken and 1 or 0, redis.call('HMGET', lease, 'token', 'beat', 'holder') }
`);

/** KEYS: lease. ARGV: token. Gives 1 when the lease is held with this token. */
const beatScript = script(`
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] or redis.call('HEXISTS', KEYS[1], 'holder') == 0 then return 0 end
redis.call('HINCRBY', KEYS[1], 'beat', 1)
return 1
`);

/** KEYS: lease. ARGV: token. */
const releaseScript = script(`
if redis.call('HGET', KEYS[1], 'token') == ARGV[1] then redis.call('HDEL', KEYS[1], 'holder') end
`);

export function redisLeases(connection: Connection, keys: Keys): LeaseStore {
  return {
    read: async (name) => recordOf(await connection.send<Fields>('HMGET', keys.lease(name), 'token', 'beat', 'holder')),

    async take(name, holder, seen) {
      const args = [holder, seen.token, seen.beat];
      const [taken, fields] = await connection.run<[number, Fields]>(takeScript, [keys.lease(name)], args);
      return { taken: taken === 1, record: recordOf(fields) };
    },

    beat: async ({ lease, token }) => (await connection.run<number>(beatScript, [keys.lease(lease)], [token])) === 1,

    async release({ lease, token }) {
      await connection.run(releaseScript, [keys.lease(lease)], [token]);
    },
  };
}

function recordOf([token, beat, holder]: Fields): LeaseRecord {
  return { token: Number(token ?? 0), beat: Number(beat ?? 0), ...(holder !== null && { holder }) };
}
