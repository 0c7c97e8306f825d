import { dataFolder } from './data-folder.ts';
import { freePort } from './free-port.ts';
import { says } from './says.ts';
import { type Server, startServer } from './server.ts';

/** What may differ from a server that loses nothing. */
export interface RedisOptions {
  /** Further arguments, which win: `['--appendfsync', 'everysec']`, `['--replicaof', '127.0.0.1', '12345']`. */
  readonly args?: readonly string[];
  readonly password?: string;
  /** Its data lies on a disk of its own of this size; needs root. */
  readonly diskMb?: number;
}

/** Redis with an append-only file, synced before each answer. */
export async function startRedis({ args = [], password, diskMb }: RedisOptions = {}): Promise<Server> {
  const port = await freePort();
  const folder = dataFolder('redis', { sizeMb: diskMb });
  const safe = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', '', '--maxmemory-policy', 'noeviction'];
  const secret = password === undefined ? [] : ['--requirepass', password];
  return startServer({
    name: 'redis',
    url: `redis://${password === undefined ? '' : `:${encodeURIComponent(password)}@`}127.0.0.1:${port}`,
    port,
    folder,
    command: [
      'redis-server',
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--dir',
      folder.path,
      ...safe,
      ...secret,
      ...args,
    ],
    answers: () => says(port, 'PING\r\n', /^(\+PONG|-NOAUTH)/),
  });
}
