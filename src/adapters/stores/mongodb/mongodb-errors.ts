import {
  MongoAPIError,
  MongoBulkWriteError,
  MongoError,
  MongoNetworkError,
  MongoParseError,
  MongoServerError,
  MongoServerSelectionError,
} from 'mongodb';
import { type ErrorCode, failure, isFailure, type StatewrightError } from '../../../kernel/errors.ts';

/** Another document has this key: what decides every race. */
export const duplicateKey = 11000;

const again = 'Send the same again; look whether the server runs and has a primary.';

/** The server's codes that mean something to whoever runs the store: mongodb's error_codes.yml. */
const kinds = new Map<number, readonly [ErrorCode, string]>([
  ...[
    6, 7, 9, 24, 50, 64, 89, 91, 112, 134, 175, 189, 202, 237, 262, 9001, 10107, 11600, 11601, 11602, 13435, 13436,
  ].map((code): [number, readonly [ErrorCode, string]] => [code, ['STORE_UNAVAILABLE', again]]),
  [8000, ['INVALID_CONFIGURATION', 'Check user, password and authSource in the address.']],
  [18, ['INVALID_CONFIGURATION', 'Check user, password and authSource in the address.']],
  [13, ['STORE_READ_ONLY', 'Give the user the role readWrite on the database.']],
  [14031, ['STORE_FULL', 'Free some room on the server, then send the same again.']],
  [10334, ['EVENT_TOO_LARGE', 'Keep large content elsewhere and its address in the event.']],
]);

/** FerretDB passes on what its own database said, with the code of an internal error. */
const told: readonly (readonly [RegExp, ErrorCode, string])[] = [
  [/disk is full|no space left/i, 'STORE_FULL', 'Free some room on the server, then send the same again.'],
  [/readonly database|read-only/i, 'STORE_READ_ONLY', 'Give the server the right to write its files.'],
  [
    /database is locked|disk I\/O error|connection refused|context canceled|bad connection/i,
    'STORE_UNAVAILABLE',
    again,
  ],
];

/** True when the same request may succeed in a moment, or may have had its effect already. */
export function isPassing(error: unknown): boolean {
  return isFailure(storeFailure(error), 'STORE_UNAVAILABLE');
}

export function isDuplicateKey(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === duplicateKey;
}

/** Of a request whose server is gone, which the driver does not tell. */
export function noAnswer(): StatewrightError {
  return failure('STORE_UNAVAILABLE', { expected: 'an answer', found: 'that the server has gone', remedy: again });
}

/** The error as the ports promise it. What no kind explains is a defect, so it is INTERNAL. */
export function storeFailure(error: unknown): StatewrightError {
  if (isFailure(error)) return error;
  // What happened to the connection while many were written together.
  if (error instanceof MongoBulkWriteError) {
    const inner: unknown = error.errorResponse;
    if (inner instanceof MongoError) return storeFailure(inner);
  }
  const found = error instanceof Error ? error.message : String(error);
  const [code, remedy] = kindOf(error, found);
  return failure(code, { found, ...(remedy !== undefined && { remedy }), cause: error });
}

function kindOf(error: unknown, message: string): readonly [ErrorCode, string?] {
  if (!(error instanceof MongoError)) return ['INTERNAL'];
  const code = typeof error.code === 'number' ? error.code : causeCode(error);
  const known = code === undefined ? undefined : kinds.get(code);
  if (known) return known;
  if (error instanceof MongoParseError) return ['INVALID_CONFIGURATION', 'Check the address of the server.'];
  if (error instanceof MongoNetworkError || error instanceof MongoServerSelectionError)
    return ['STORE_UNAVAILABLE', again];
  if (error.hasErrorLabel('RetryableWriteError')) return ['STORE_UNAVAILABLE', again];
  if (isTooLarge(error)) return ['EVENT_TOO_LARGE', 'Keep large content elsewhere and its address in the event.'];
  const text = told.find(([pattern]) => pattern.test(message));
  if (text) return [text[1], text[2]];
  return error instanceof MongoServerError || error instanceof MongoAPIError
    ? ['INTERNAL']
    : ['STORE_UNAVAILABLE', again];
}

/** A failed login while connecting is told as the cause of what the driver waited for. */
function causeCode({ cause }: MongoError): number | undefined {
  return cause instanceof MongoError && typeof cause.code === 'number' ? cause.code : undefined;
}

function isTooLarge(error: MongoError): boolean {
  return error instanceof MongoAPIError && /larger than the maximum size/.test(error.message);
}
