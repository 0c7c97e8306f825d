import { execFileSync } from 'node:child_process';

/** Whom a server runs as. */
export interface User {
  readonly uid: number;
  readonly gid: number;
}

/** The system user of this name when we are root and so may become it, else nobody but ourselves: `undefined`. */
export function userNamed(name: string): User | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}
