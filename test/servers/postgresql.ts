import { execFile, execFileSync } from 'node:child_process';
import { chownSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { dataFolder } from './data-folder.ts';
import { freePort } from './free-port.ts';
import { type Server, startServer } from './server.ts';
import { userNamed } from './user.ts';

/** What may differ from the defaults. */
export interface PostgresqlOptions {
  /** Of postgresql.conf: `{ default_transaction_read_only: 'on' }`. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Of the user `postgres`, asked for by SCRAM; without it everybody is trusted. */
  readonly password?: string;
  /** Tables and indexes lie on a disk of its own of this size, while the write-ahead log has room; needs root. */
  readonly tablesDiskMb?: number;
}

/** PostgreSQL with the database `postgres`; the address names the superuser. */
export async function startPostgresql(options: PostgresqlOptions = {}): Promise<Server> {
  const { settings = {}, password, tablesDiskMb } = options;
  const port = await freePort();
  const user = userNamed('postgres');
  const folder = dataFolder('postgresql', { user });
  const data = join(folder.path, 'data');
  const program = (name: string) => join(binaries(), name);
  const as = { stdio: 'pipe', cwd: folder.path, ...user } as const;
  const secret = join(folder.path, 'password');
  writeFileSync(secret, password ?? 'trusted');
  if (user !== undefined) chownSync(secret, user.uid, user.gid);
  const auth = password === undefined ? 'trust' : 'scram-sha-256';
  execFileSync(
    program('initdb'),
    ['-D', data, '-A', auth, '-U', 'postgres', '--pwfile', secret, '-E', 'UTF8', '--locale=C.UTF-8'],
    as,
  );
  const tables = tablesDiskMb === undefined ? undefined : dataFolder('tables', { sizeMb: tablesDiskMb, user });
  const all: Readonly<Record<string, string | number>> = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: folder.path,
    max_connections: 200,
    ...settings,
    ...(tables && { default_tablespace: 'small' }),
  };
  const server = await startServer({
    name: 'postgresql',
    url: `postgres://postgres${password === undefined ? '' : `:${encodeURIComponent(password)}`}@127.0.0.1:${port}/postgres`,
    port,
    folder: {
      path: folder.path,
      remove() {
        folder.remove();
        tables?.remove();
      },
    },
    user,
    command: [
      program('postgres'),
      '-D',
      data,
      ...Object.entries(all).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
    ],
    // Fast shutdown: connections are ended, transactions rolled back.
    stopSignal: 'SIGINT',
    answers: async () => {
      await promisify(execFile)(program('pg_isready'), ['-h', '127.0.0.1', '-p', String(port)]);
    },
  });
  if (tables === undefined) return server;
  const statement = `create tablespace small location '${tables.path}'`;
  const environment = { PATH: process.env.PATH, PGPASSWORD: password };
  execFileSync(program('psql'), [server.url, '-qc', statement], { ...as, env: environment });
  return server;
}

/** Debian keeps the programs of each version apart: the newest. */
function binaries(): string {
  const versions = readdirSync('/usr/lib/postgresql').sort((a, b) => Number(b) - Number(a));
  return `/usr/lib/postgresql/${versions[0]}/bin`;
}
