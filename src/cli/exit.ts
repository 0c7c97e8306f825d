import { CommanderError } from 'commander';
import { isFailure } from '../kernel/errors.ts';

/** Tells the error in one sentence on stderr and ends: 2 for a wrong call or configuration, else 1. */
export function exitWith(error: unknown): never {
  // Commander has told its own already; asking for help is none.
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2);
  console.error(`statewright: ${told(error)}`);
  process.exit(isFailure(error, 'INVALID_CONFIGURATION', 'MALFORMED_REQUEST', 'UNKNOWN_PROVIDER') ? 2 : 1);
}

function told(error: unknown): string {
  if (isFailure(error)) return `${error.code}: ${error.message}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
