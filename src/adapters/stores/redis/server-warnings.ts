import { isFailure } from '../../../kernel/errors.ts';
import type { Connection } from './connection.ts';

/** What of the server's settings lets acknowledged events be lost, or could not be asked. */
export async function serverWarnings(connection: Connection): Promise<readonly string[]> {
  const info = await allowed(() => connection.send<string>('INFO'));
  if (info === undefined) {
    return ['Whether Redis may lose acknowledged events could not be verified: it does not allow INFO.'];
  }
  const facts = factsOf(info);
  const warnings: string[] = [];
  if (facts.get('role') === 'slave') warnings.push('Redis at this address is a replica: nothing can be written.');
  const policy = facts.get('maxmemory_policy') ?? '';
  // Other policies evict only what has an expiry, which nothing here has.
  if (policy.startsWith('allkeys') && facts.get('maxmemory') !== '0') {
    warnings.push(`Redis may evict what is stored: set maxmemory-policy to noeviction, it is ${policy}.`);
  }
  if (facts.get('aof_enabled') === '0') {
    warnings.push('Redis loses acknowledged events when it dies: set appendonly to yes and appendfsync to always.');
    return warnings;
  }
  if (facts.get('aof_last_write_status') === 'err') warnings.push('Redis could not write its append-only file lately.');
  const [, sync] = (await allowed(() => connection.send<string[]>('CONFIG', 'GET', 'appendfsync'))) ?? [];
  if (sync === undefined) {
    warnings.push('Whether Redis syncs each write to its disk could not be verified: it does not allow CONFIG GET.');
  } else if (sync !== 'always') {
    warnings.push(`Redis may lose acknowledged events when it dies: set appendfsync to always, it is ${sync}.`);
  }
  return warnings;
}

/**
 * Undefined when the server, or what the user may do, doesn't let it be asked: managed services have no CONFIG at all.
 */
async function allowed<Reply>(ask: () => Promise<Reply>): Promise<Reply | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (isFailure(error, 'INVALID_CONFIGURATION', 'INTERNAL')) return undefined;
    throw error;
  }
}

/** Lines of `name:value`. */
function factsOf(info: string): ReadonlyMap<string, string> {
  return new Map(
    info.split('\r\n').map((line) => {
      const at = line.indexOf(':');
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  );
}
