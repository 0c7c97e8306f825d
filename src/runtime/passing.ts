import { isFailure } from '../kernel/errors.ts';

/** True when the same may succeed later, unchanged: an error of ours that is retryable; of others a refused or broken
 * connection, a time-out, an abort, or a status of 429 or from 500. Looks through causes that say nothing themselves. */
export function isPassing(error: unknown): boolean {
  if (isFailure(error)) return error.retryable;
  if (typeof error !== 'object' || error === null) return false;
  const { name, code, status, statusCode, cause } = error as Foreign;
  if (name === 'AbortError' || name === 'TimeoutError') return true;
  if (typeof code === 'string' && passingCodes.has(code)) return true;
  const told = status ?? statusCode;
  if (typeof told === 'number') return told === 429 || told >= 500;
  // `fetch failed` and AggregateError tell why in what they carry.
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(isPassing);
  return cause !== undefined && cause !== error && isPassing(cause);
}

interface Foreign {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly status?: unknown;
  readonly statusCode?: unknown;
  readonly cause?: unknown;
}

/** Node's, its resolver's and undici's (Node.js documentation, "Common system errors", "DNS error codes"). */
const passingCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENETDOWN',
  'ENETUNREACH',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'EADDRNOTAVAIL',
  'EMFILE',
  'ENFILE',
  'EBUSY',
  'EAGAIN',
  'ABORT_ERR',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_SOCKET',
]);
