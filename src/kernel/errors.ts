/** One row of the table of errors. `docs/errors.md` explains each code; a test compares the two. */
interface ErrorKind {
  /** The HTTP status that tells it to a caller. */
  readonly status: number;
  /** Whether the same request may succeed later, unchanged. */
  readonly retryable: boolean;
  /** The short form: one line, the same for every occurrence. */
  readonly title: string;
}

const passing = (status: number, title: string): ErrorKind => ({ status, retryable: true, title });
const lasting = (status: number, title: string): ErrorKind => ({ status, retryable: false, title });

/** Every error that a user of Statewright can meet, by code. */
export const errorTable = {
  // What the caller sent
  MALFORMED_REQUEST: lasting(400, 'The request is malformed'),
  UNAUTHENTICATED: lasting(401, 'The request has no valid credentials'),
  FORBIDDEN: lasting(403, 'The credentials do not allow this'),
  UNKNOWN_AGGREGATE_TYPE: lasting(404, 'No such aggregate type'),
  UNKNOWN_COMMAND: lasting(404, 'The aggregate type has no such command'),
  UNKNOWN_QUERY: lasting(404, 'No such query'),
  UNKNOWN_PROJECTION: lasting(404, 'No such projection'),
  UNKNOWN_SUBSCRIPTION: lasting(404, 'No such subscription'),
  NOT_FOUND: lasting(404, 'Not found'),
  METHOD_NOT_ALLOWED: lasting(405, 'The resource does not take this method'),
  NOT_ACCEPTABLE: lasting(406, 'The resource has no such representation'),
  REQUEST_TIMED_OUT: passing(408, 'The request took too long to arrive'),
  COMMAND_REFUSED: lasting(409, 'The aggregate refused the command'),
  VERSION_CONFLICT: lasting(409, 'The aggregate is at another version'),
  COMMAND_ID_REUSED: lasting(409, 'The command id was used for another command'),
  BODY_TOO_LARGE: lasting(413, 'The body is too large'),
  UNSUPPORTED_MEDIA_TYPE: lasting(415, 'The media type is not supported'),
  HEADERS_TOO_LARGE: lasting(431, 'The address and headers are too large'),
  INVALID_COMMAND: lasting(400, 'The command does not fit its schema'),
  INVALID_ID: lasting(422, 'The id is not usable'),
  // What the process can't do now
  MAILBOX_FULL: passing(429, 'The aggregate has too many waiting commands'),
  BUSY: passing(503, 'The process has too much to do'),
  COMMAND_TIMED_OUT: passing(503, 'The command was not answered in time'),
  DRAINING: passing(503, 'The process is shutting down'),
  READ_MODEL_BEHIND: passing(503, 'The read model has not reached the position yet'),
  AGGREGATE_QUARANTINED: passing(503, 'The aggregate is quarantined on this worker'),
  NEWER_EVENT: passing(503, 'The history holds an event newer than this code'),
  BREAKER_OPEN: passing(503, 'The circuit breaker is open'),
  CONTENTION: passing(503, 'The aggregate changed too often under this command'),
  // The store, the bus, the channels
  STORE_UNAVAILABLE: passing(503, 'The store does not answer'),
  STORE_FULL: passing(503, 'The store has no room left'),
  STORE_READ_ONLY: passing(503, 'The store is read-only'),
  STORE_CORRUPT: lasting(500, 'The store is damaged'),
  STORE_NEWER: lasting(500, 'The store was written by a newer version'),
  STORE_CLOSED: lasting(503, 'The store is closed'),
  LOG_MOVED: passing(503, 'The log moved while it was exported'),
  IMPORT_UNREADABLE: lasting(500, 'The file is no whole export of a log'),
  IMPORT_CONFLICT: lasting(500, 'What is imported does not fit the log'),
  FENCED: passing(503, 'The lease was taken over by another holder'),
  EVENT_TOO_LARGE: lasting(422, 'The event is too large'),
  BUS_UNAVAILABLE: passing(503, 'The bus does not answer'),
  BUS_CLOSED: lasting(503, 'The bus is closed'),
  MESSAGE_TOO_LARGE: lasting(500, 'The message is too large for the bus'),
  CHANNEL_UNAVAILABLE: passing(503, 'The channel does not answer'),
  CHANNEL_REJECTED: lasting(502, 'The channel rejected the message for good'),
  // The author's or the operator's mistakes
  INVALID_AGGREGATE: lasting(500, 'The aggregate breaks the convention'),
  INVALID_DEFINITION: lasting(500, 'The definition is not usable'),
  INVALID_CONFIGURATION: lasting(500, 'The configuration is not usable'),
  UNKNOWN_PROVIDER: lasting(500, 'No such provider'),
  UNSUPPORTED_NODE: lasting(500, 'This version of Node.js is too old'),
  EVENT_NOT_FOLDABLE: lasting(500, 'The event does not fit the state'),
  INVALID_EVENT: lasting(500, 'The event does not fit its schema'),
  DECIDE_FAILED: lasting(500, 'The aggregate threw while deciding'),
  HANDLER_FAILED: lasting(500, 'The handler failed'),
  INTERNAL: lasting(500, 'Something went wrong inside'),
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorTable;

/** What every error tells: what was expected, what was found, what to do. */
export interface Explanation {
  readonly expected?: string;
  readonly found?: string;
  readonly remedy?: string;
  /** Machine-readable facts, such as the actual version; safe to show to the caller. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** The one class of errors. Match it by `code`, never by text. */
export class StatewrightError extends Error {
  readonly code: ErrorCode;
  readonly explanation: Explanation;

  constructor(code: ErrorCode, explanation: Explanation) {
    super(sentence(errorTable[code].title, explanation), { cause: explanation.cause });
    this.name = 'StatewrightError';
    this.code = code;
    this.explanation = explanation;
  }

  get status(): number {
    return errorTable[this.code].status;
  }

  get retryable(): boolean {
    return errorTable[this.code].retryable;
  }
}

/** Makes the error of this code: `throw failure('MAILBOX_FULL', { … })`. */
export function failure(code: ErrorCode, explanation: Explanation = {}): StatewrightError {
  return new StatewrightError(code, explanation);
}

/** True for an error of ours, and of one of the given codes when any are given. */
export function isFailure(error: unknown, ...codes: readonly ErrorCode[]): error is StatewrightError {
  return error instanceof StatewrightError && (codes.length === 0 || codes.includes(error.code));
}

/** The error itself when it is ours, else one of `code` with the error as its cause. */
export function asFailure(error: unknown, code: ErrorCode, explanation: Explanation = {}): StatewrightError {
  if (isFailure(error)) return error;
  const found = error instanceof Error ? error.message : String(error);
  return failure(code, { found, ...explanation, cause: error });
}

function sentence(title: string, { expected, found, remedy }: Explanation): string {
  const parts = [title];
  if (expected !== undefined) parts.push(`expected ${expected}`);
  if (found !== undefined) parts.push(`found ${found}`);
  return `${parts.join('; ')}.${remedy === undefined ? '' : ` ${remedy}`}`;
}
