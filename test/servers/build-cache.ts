import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runs } from './process-tree.ts';

/**
 * The folder of what these sources are built to, in the user's cache: built once, whoever asks and however many at a time.
 * @param sources whatever decides on the result; another text is another folder.
 * @param build fills an empty folder; what it rejects with is thrown, and the next who asks tries again.
 */
export async function built(
  name: string,
  sources: readonly string[],
  build: (folder: string) => Promise<void>,
): Promise<string> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'statewright-servers');
  const hash = createHash('sha256').update(JSON.stringify(sources)).digest('hex').slice(0, 16);
  const folder = join(cache, `${name}-${hash}`);
  mkdirSync(cache, { recursive: true });
  while (!existsSync(folder)) {
    const release = await lock(`${folder}.lock`);
    try {
      if (existsSync(folder)) break;
      const unfinished = `${folder}.unfinished-${process.pid}`;
      rmSync(unfinished, { recursive: true, force: true });
      mkdirSync(unfinished);
      try {
        await build(unfinished);
        renameSync(unfinished, folder);
      } finally {
        rmSync(unfinished, { recursive: true, force: true });
      }
    } finally {
      release();
    }
  }
  return folder;
}

/** Waits for whoever builds; the lock of one who died is taken over. */
async function lock(file: string): Promise<() => void> {
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const owner = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
    if (owner > 0 && owner !== process.pid && !runs(owner)) rmSync(file, { force: true });
    await delay(200);
  }
}
