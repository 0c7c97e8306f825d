import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Runs a command to its end. @throws with all it said when it fails. */
export async function command(
  [program, ...args]: readonly [string, ...string[]],
  options: { readonly cwd?: string; readonly environment?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const { cwd, environment } = options;
  try {
    const env = { ...process.env, ...environment };
    return (await promisify(execFile)(program, args, { cwd, env, maxBuffer: 64 * 1024 * 1024 })).stdout;
  } catch (cause) {
    const said =
      cause instanceof Error && 'stderr' in cause ? `${'stdout' in cause ? cause.stdout : ''}${cause.stderr}` : '';
    throw new Error(`${program} ${args.join(' ')} failed: ${said || cause}`, { cause });
  }
}
