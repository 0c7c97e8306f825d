import { isFailure } from '../../../kernel/errors.ts';
import type { Connection } from './connection.ts';

/** What of the server's configuration lets acknowledged events be lost. */
export async function serverWarnings(connection: Connection): Promise<readonly string[]> {
  const [configured, info] = await Promise.all([configuration(connection), information(connection)]);
  const warnings: string[] = [];
  const isReplica = info.get('role') === 'slave';
  if (isReplica) warnings.push('Redis at this address is a replica: nothing can be written.');
  if (configured === undefined) {
    warnings.push(
      'Whether Redis may evict or lose acknowledged events could not be verified: it does not allow CONFIG GET.',
    );
    return warnings;
  }
  const policy = configured.get('maxmemory-policy');
  if (policy !== 'noeviction' && configured.get('maxmemory') !== '0') {
    warnings.push(`Redis may evict what is stored: set maxmemory-policy to noeviction, it is ${policy}.`);
  }
  const [appendOnly, sync] = [configured.get('appendonly'), configured.get('appendfsync')];
  if (appendOnly !== 'yes') {
    warnings.push('Redis loses acknowledged events when it dies: set appendonly to yes and appendfsync to always.');
  } else if (sync !== 'always') {
    warnings.push(`Redis may lose acknowledged events when it dies: set appendfsync to always, it is ${sync}.`);
  }
  if (info.get('aof_last_write_status') === 'err') warnings.push('Redis could not write its append-only file lately.');
  return warnings;
}

const settings = ['maxmemory', 'maxmemory-policy', 'appendonly', 'appendfsync'];

/** Undefined when the server, or what the user may do, doesn't let it be asked. */
async function configuration(connection: Connection): Promise<ReadonlyMap<string, string> | undefined> {
  try {
    const found = new Map<string, string>();
    for (const setting of settings) {
      const [, value] = await connection.send<string[]>('CONFIG', 'GET', setting);
      if (value === undefined) return undefined;
      found.set(setting, value);
    }
    return found;
  } catch (error) {
    // Managed services have no CONFIG at all.
    if (isFailure(error, 'INVALID_CONFIGURATION', 'INTERNAL')) return undefined;
    throw error;
  }
}

async function information(connection: Connection): Promise<ReadonlyMap<string, string>> {
  try {
    const text = await connection.send<string>('INFO');
    return new Map(
      text.split('\r\n').map((line) => {
        const at = line.indexOf(':');
        return [line.slice(0, at), line.slice(at + 1)];
      }),
    );
  } catch (error) {
    if (isFailure(error, 'INVALID_CONFIGURATION', 'INTERNAL')) return new Map();
    throw error;
  }
}
