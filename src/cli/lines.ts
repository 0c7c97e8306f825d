import { once } from 'node:events';

/** Writes one line of JSON to stdout; waits for a slow reader. */
export async function printLine(value: unknown): Promise<void> {
  if (!process.stdout.write(`${JSON.stringify(value)}\n`)) await once(process.stdout, 'drain');
}
