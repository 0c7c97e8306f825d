import { type ErrorCode, failure, isFailure, type StatewrightError } from '../../../kernel/errors.ts';

/**
 * What a server says begins with a code; inside a script Redis 6 puts it in the middle, behind a hyphen:
 * https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors
 */
const kinds: readonly (readonly [codes: string, code: ErrorCode, remedy: string])[] = [
  ['MISCONF.*No space left', 'STORE_FULL', "Free some room on the server's disk, then send the same again."],
  ['OOM', 'STORE_FULL', 'Raise maxmemory or free some, then send the same again.'],
  ['MISCONF', 'STORE_READ_ONLY', 'Redis cannot write to its disk: look into its log, then send the same again.'],
  ['READONLY|NOREPLICAS', 'STORE_READ_ONLY', 'Use the address of the primary, with as many replicas as it asks for.'],
  ['WRONGPASS|NOAUTH', 'INVALID_CONFIGURATION', 'Check user and password in the address.'],
  ['NOPERM', 'INVALID_CONFIGURATION', 'Give the user the right to run scripts and to use the keys of the namespace.'],
  ['ERR DB index|ERR SELECT', 'INVALID_CONFIGURATION', 'Use a database that the server has; a cluster has 0 only.'],
  ['WRONGTYPE', 'INVALID_CONFIGURATION', 'Something else uses keys of the namespace: choose another.'],
  ['STATEWRIGHT_CORRUPT', 'STORE_CORRUPT', 'Stop, copy the data away, then restore a backup.'],
];

/** Where it says nothing of the sort, the server or the way to it is not fit for the moment. */
const passing = /(?:^|-)(LOADING|BUSY|MOVED|ASK|TRYAGAIN|CLUSTERDOWN|MASTERDOWN|UNBLOCKED|NOSCRIPT)\b/;
const refused = /^(ERR max number of clients|ERR Protocol error)/;

/** The error as the ports promise it. What no kind explains is a defect when the server said it, else the connection's.
 * @param where the server's address, without user and password. */
export function storeFailure(error: unknown, where: string): StatewrightError {
  if (isFailure(error)) return error;
  const message = messageOf(error);
  // The driver adds the command with all that was sent: passwords, people's data. The error is logged with its cause.
  if (error instanceof Error) Reflect.deleteProperty(error, 'command');
  const found = `${message} (${where})`;
  for (const [codes, code, remedy] of kinds) {
    if (new RegExp(`(?:^|-)(?:${codes})\\b`).test(message)) return failure(code, { found, remedy, cause: error });
  }
  if (error instanceof Error && error.name === 'ReplyError' && !passing.test(message) && !refused.test(message)) {
    return failure('INTERNAL', { found, cause: error });
  }
  return failure('STORE_UNAVAILABLE', {
    found,
    remedy: 'Check that Redis runs and can be reached; then send the same again.',
    cause: error,
  });
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // The driver counts tries, of which it has one.
  return error.name === 'MaxRetriesPerRequestError' ? 'The connection was lost before the answer came.' : error.message;
}
