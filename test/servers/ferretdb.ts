import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { built } from './build-cache.ts';
import { command } from './command.ts';
import { dataFolder } from './data-folder.ts';
import { freePort } from './free-port.ts';
import { mongodbAnswers } from './mongodb-answers.ts';
import { type Server, startServer } from './server.ts';

const sources = new URL('ferretdb/', import.meta.url);

/** FerretDB: MongoDB's protocol over SQLite. Durable; updates are not atomic, see docs/adapters.md. */
export async function startFerretdb(options: { readonly diskMb?: number } = {}): Promise<Server> {
  const program = join(await build(), 'ferretdb');
  const port = await freePort();
  const folder = dataFolder('ferretdb', { sizeMb: options.diskMb });
  const url = `mongodb://127.0.0.1:${port}/?directConnection=true`;
  return startServer({
    name: 'ferretdb',
    url,
    port,
    folder,
    command: [program, `127.0.0.1:${port}`, folder.path],
    answers: () => mongodbAnswers(url),
  });
}

function build(): Promise<string> {
  const texts = ['main.go', 'go.mod', 'go.sum'].map((file) => readFileSync(new URL(file, sources), 'utf8'));
  return built('ferretdb', texts, async (folder) => {
    await command(['go', 'build', '-trimpath', '-buildvcs=false', '-o', join(folder, 'ferretdb'), '.'], {
      cwd: sources.pathname,
    });
  });
}
