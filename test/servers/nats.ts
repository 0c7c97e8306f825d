import { join } from 'node:path';
import { built } from './build-cache.ts';
import { command } from './command.ts';
import { dataFolder } from './data-folder.ts';
import { freePort } from './free-port.ts';
import { says } from './says.ts';
import { type Server, startServer } from './server.ts';

/** Debian's is too old: partitions by subject transform and pausing consumers came with 2.10 and 2.11. */
const module = 'github.com/nats-io/nats-server/v2@v2.15.2';

/** What may differ from the defaults. */
export interface NatsOptions {
  /** Further arguments. */
  readonly args?: readonly string[];
  /** Its data lies on a disk of its own of this size; needs root. */
  readonly diskMb?: number;
}

/** NATS with JetStream on disk. */
export async function startNats({ args = [], diskMb }: NatsOptions = {}): Promise<Server> {
  const program = join(
    await built('nats', [module], async (folder) => {
      await command(['go', 'install', '-trimpath', module], { environment: { GOBIN: folder } });
    }),
    'nats-server',
  );
  const port = await freePort();
  const folder = dataFolder('nats', { sizeMb: diskMb });
  return startServer({
    name: 'nats',
    url: `nats://127.0.0.1:${port}`,
    port,
    folder,
    command: [program, '-a', '127.0.0.1', '-p', String(port), '-js', '-sd', folder.path, ...args],
    answers: () => says(port, '', /^INFO /),
  });
}
