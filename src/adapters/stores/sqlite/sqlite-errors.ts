import { type ErrorCode, type Explanation, failure, isFailure, type StatewrightError } from '../../../kernel/errors.ts';

/** SQLite's primary result codes that mean something to whoever runs the store: https://www.sqlite.org/rescode.html */
const kinds = new Map<number, readonly [ErrorCode, string]>([
  [3, ['STORE_READ_ONLY', 'Give the process the right to write the file and its directory.']],
  [5, ['STORE_UNAVAILABLE', 'Another process holds the write lock; send the same again.']],
  [6, ['STORE_UNAVAILABLE', 'Another connection holds a lock; send the same again.']],
  [7, ['STORE_UNAVAILABLE', 'The process is out of memory.']],
  [8, ['STORE_READ_ONLY', 'Give the process the right to write the file and its directory.']],
  [10, ['STORE_UNAVAILABLE', 'The disk failed; look into the system log, then send the same again.']],
  [11, ['STORE_CORRUPT', 'Stop, copy the file away, then restore a backup or try the recover command of sqlite3.']],
  [13, ['STORE_FULL', 'Free some room on the disk, then send the same again.']],
  [14, ['STORE_UNAVAILABLE', 'Check that the path is a file in a directory that the process may write.']],
  [18, ['EVENT_TOO_LARGE', 'Keep large content elsewhere and its address in the event.']],
  [26, ['STORE_CORRUPT', 'The file is no SQLite database: restore a backup, or move it away to start empty.']],
]);

const busyCode = 5;

/** True when another connection holds the lock that was asked for: the same call may succeed in a moment. */
export function isBusy(error: unknown): boolean {
  return primaryCode(error) === busyCode;
}

/** The error as the ports promise it. What no kind explains is a defect, so it is INTERNAL. */
export function storeFailure(error: unknown, file: string): StatewrightError {
  if (isFailure(error)) return error;
  const found = error instanceof Error ? `${error.message} (${file})` : String(error);
  const kind = kinds.get(primaryCode(error) ?? -1);
  if (kind) return failure(kind[0], { found, remedy: kind[1], cause: error });
  return failure('INTERNAL', { found, cause: error });
}

/** Why the directory of the file can't be made or used. */
export function directoryFailure(error: unknown, directory: string): StatewrightError {
  const explanation: Explanation = {
    expected: `a directory at ${directory} that can be written`,
    found: error instanceof Error ? error.message : String(error),
    remedy: 'Check the path and its permissions.',
    cause: error,
  };
  switch (error instanceof Error && 'code' in error && error.code) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return failure('STORE_READ_ONLY', explanation);
    case 'ENOSPC':
      return failure('STORE_FULL', explanation);
    default:
      return failure('STORE_UNAVAILABLE', explanation);
  }
}

/** The low byte says what happened; the others only where. */
function primaryCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return error.errcode & 0xff;
}
