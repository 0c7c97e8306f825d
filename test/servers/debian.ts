import { existsSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { command } from './command.ts';

/** Debian's packages by the file that tells whether they are there. */
const packages: Readonly<Record<string, string>> = {
  'redis-server': 'redis-server',
  '/usr/lib/postgresql': 'postgresql',
  '/usr/lib/rabbitmq/bin/rabbitmq-server': 'rabbitmq-server',
  '/etc/ssl/certs/ca-certificates.crt': 'ca-certificates',
  javac: 'default-jdk-headless',
  mvn: 'maven',
  pip3: 'python3-pip',
  kcat: 'kcat',
  'amqp-consume': 'amqp-tools',
};

/** Installs what is missing of these programs, all at once. @throws when it may not, or Debian has no new enough one. */
export async function installMissing(programs: readonly string[]): Promise<void> {
  const missing = [...new Set(programs)].filter((program) => !isThere(program));
  if (missing.length === 0) return;
  const names = missing.map((program) => {
    const name = packages[program];
    if (name === undefined) throw new Error(`Expected ${program} on the PATH; Debian's own is too old.`);
    return name;
  });
  if (process.getuid?.() !== 0) {
    throw new Error(`Expected ${missing.join(', ')}. Install them as root: apt-get install ${names.join(' ')}`);
  }
  console.log(`# installing ${names.join(', ')}`);
  const environment = { DEBIAN_FRONTEND: 'noninteractive' };
  await command(['apt-get', 'update'], { environment });
  await command(['apt-get', 'install', '-y', '--no-install-recommends', ...names], { environment });
}

function isThere(program: string): boolean {
  if (isAbsolute(program)) return existsSync(program);
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));
}
