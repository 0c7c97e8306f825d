import type { Connection } from './connection.ts';
import { decodeCommand } from './event-records.ts';
import type { Keys } from './keys.ts';
import { script } from './script.ts';

const sliceCommands = 500;

/**
 * KEYS: log, commands, their order. ARGV: the fields to forget, the oldest. Stops at the first that is not the oldest
 * any more: somebody else forgot it. Gives how many it forgot.
 */
const forgetScript = script(`
local log, commands, order = unpack(KEYS)
local forgotten = 0
for _, field in ipairs(ARGV) do
  if redis.call('LINDEX', order, 0) ~= field then break end
  redis.call('LPOP', order)
  redis.call('HDEL', commands, field)
  forgotten = forgotten + 1
end
if forgotten > 0 then redis.call('HINCRBY', log, 'forgotten', forgotten) end
return forgotten
`);

/** Forgets the commands recorded before `before`; times of recording never decrease in their order. */
export async function forgetCommands(connection: Connection, keys: Keys, before: string): Promise<number> {
  const beforeMs = Date.parse(before);
  for (let forgotten = 0; ; ) {
    const oldest = await connection.send<string[]>('LRANGE', keys.commandOrder, 0, sliceCommands - 1);
    if (oldest.length === 0) return forgotten;
    const records = await connection.send<(string | null)[]>('HMGET', keys.commands, ...oldest);
    const kept = records.findIndex((text) => text !== null && Date.parse(decodeCommand(text).recordedAt) >= beforeMs);
    const old = kept === -1 ? oldest : oldest.slice(0, kept);
    if (old.length > 0) {
      const names = [keys.log, keys.commands, keys.commandOrder];
      forgotten += await connection.run<number>(forgetScript, names, old);
    }
    if (kept !== -1 || oldest.length < sliceCommands) return forgotten;
  }
}
