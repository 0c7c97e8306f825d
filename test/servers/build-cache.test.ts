import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { built } from './build-cache.ts';

let cache: string;

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'statewright-cache-'));
  vi.stubEnv('XDG_CACHE_HOME', cache);
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(cache, { recursive: true });
});

test('builds once for all who ask at the same time, and again for other sources', async () => {
  let builds = 0;
  const build = async (folder: string) => {
    builds += 1;
    writeFileSync(join(folder, 'program'), String(builds));
  };
  const [one, two] = await Promise.all([built('tool', ['a'], build), built('tool', ['a'], build)]);
  assert.equal(one, two);
  assert.equal(readFileSync(join(one, 'program'), 'utf8'), '1');
  const other = await built('tool', ['b'], build);
  assert.equal(readFileSync(join(other, 'program'), 'utf8'), '2');
});

test('keeps nothing of a build that failed', async () => {
  const failing = built('tool', ['a'], async (folder) => {
    writeFileSync(join(folder, 'half'), '');
    throw new Error('no compiler');
  });
  await expect(failing).rejects.toThrow('no compiler');
  const folder = await built('tool', ['a'], async () => {});
  assert.ok(!existsSync(join(folder, 'half')));
});

test('takes over from one who died in the middle', async () => {
  const first = await built('tool', ['a'], async () => {});
  rmSync(first, { recursive: true });
  const dead = 2 ** 22 + 1;
  writeFileSync(`${first}.lock`, String(dead));
  assert.equal(await built('tool', ['a'], async () => {}), first);
});
