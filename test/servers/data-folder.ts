import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { User } from './user.ts';

/** Where a server keeps its data. */
export interface DataFolder {
  readonly path: string;
  remove(): void;
}

/**
 * Makes a folder for one server's data.
 * @param options.user who owns it.
 * @param options.sizeMb makes it a disk of its own of this size, which can be full; needs root.
 */
export function dataFolder(
  name: string,
  options: { readonly user?: User | undefined; readonly sizeMb?: number | undefined } = {},
): DataFolder {
  const { user, sizeMb } = options;
  const path = mkdtempSync(join(tmpdir(), `statewright-${name}-`));
  if (sizeMb !== undefined) execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMb}m`, 'tmpfs', path]);
  chmodSync(path, 0o700);
  if (user !== undefined) chownSync(path, user.uid, user.gid);
  return {
    path,
    remove() {
      if (sizeMb !== undefined) execFileSync('umount', [path]);
      rmSync(path, { recursive: true, force: true });
    },
  };
}
