import { failure } from '../../../kernel/errors.ts';
import type { Connection } from './connection.ts';
import type { Keys } from './keys.ts';
import { script } from './script.ts';

/** The layout of keys and values that this code reads and writes. */
const format = 1;

/**
 * KEYS: format. ARGV: ours. Gives the layout that is there, ours when there was none; a read-only server is not
 * written to.
 */
const formatScript = script(`
local there = redis.call('GET', KEYS[1])
if there then return tonumber(there) or -1 end
redis.call('SET', KEYS[1], ARGV[1])
return tonumber(ARGV[1])
`);

/** @throws STORE_NEWER, or INVALID_CONFIGURATION when the namespace is another application's */
export async function assertFormat(connection: Connection, keys: Keys): Promise<void> {
  const there = await connection.run<number>(formatScript, [keys.format], [format]);
  if (there > format) {
    throw failure('STORE_NEWER', {
      expected: `layout ${format} at most at ${keys.format}`,
      found: `layout ${there}`,
      remedy: 'Run the version of Statewright that wrote it, or a newer one.',
    });
  }
  if (there !== format) {
    throw failure('INVALID_CONFIGURATION', {
      expected: `layout ${format} at ${keys.format}`,
      found: 'something else',
      remedy: 'Use another namespace.',
    });
  }
}
