import type { Fence } from '../../../ports/coordination.ts';
import { checkFence } from '../fence.ts';
import type { Argument, Connection } from './connection.ts';
import type { Keys } from './keys.ts';
import { type Script, script } from './script.ts';

/**
 * A script that does its work only while nobody took the lease over. Its first key is the lease, its first argument the
 * token; the body finds its own from the second on. Gives the lease's token, then what the body gives.
 */
export function fencedScript(body: string): Script {
  return script(`
local token = tonumber(redis.call('HGET', KEYS[1], 'token') or 0)
if token > tonumber(ARGV[1]) then return { token } end
local function work()
${body}
end
return { token, work() }
`);
}

/** Runs a fenced script under this fence. @throws FENCED */
export async function runFenced<Reply>(
  connection: Connection,
  keys: Keys,
  fence: Fence,
  fenced: Script,
  names: readonly string[],
  args: readonly Argument[],
): Promise<Reply> {
  const all = [keys.lease(fence.lease), ...names];
  const [token, reply] = await connection.run<[number, Reply]>(fenced, all, [fence.token, ...args]);
  checkFence(fence, token);
  return reply;
}
