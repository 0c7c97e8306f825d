import { type ErrorCode, failure, isFailure, type StatewrightError } from '../../../kernel/errors.ts';

type Kind = readonly [code: ErrorCode, remedy: string];

const again = 'Send the same again.';

/** By SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const kinds = new Map<string, Kind>([
  ['25006', ['STORE_READ_ONLY', 'Give the address of the primary: this is a standby, or the database is read-only.']],
  ['28000', ['INVALID_CONFIGURATION', 'Check the role, and what pg_hba.conf lets it do.']],
  ['28P01', ['INVALID_CONFIGURATION', 'Check the role and its password.']],
  ['3D000', ['INVALID_CONFIGURATION', 'Create the database, or give the name of another.']],
  ['3F000', ['STORE_CORRUPT', 'The schema is gone: restore a backup, or restart to begin with an empty one.']],
  ['42P01', ['STORE_CORRUPT', 'A table is gone: restore a backup.']],
  ['42883', ['STORE_CORRUPT', 'A function is gone: restore a backup.']],
  ['42501', ['INVALID_CONFIGURATION', 'Let the role create schemas in the database, or own the schema.']],
  ['42704', ['INVALID_CONFIGURATION', 'Use PostgreSQL 12 or newer.']],
  ['42939', ['INVALID_CONFIGURATION', 'Use another NAMESPACE: names that begin with pg_ are reserved.']],
  ['40001', ['STORE_UNAVAILABLE', again]],
  ['40P01', ['STORE_UNAVAILABLE', again]],
  ['53100', ['STORE_FULL', 'Free some room on the disk of the server, then send the same again.']],
  ['53200', ['STORE_UNAVAILABLE', 'The server is out of memory.']],
  ['53300', ['STORE_UNAVAILABLE', 'Raise max_connections of the server, or use fewer workers.']],
  ['54000', ['EVENT_TOO_LARGE', 'Keep large content elsewhere and its address in the event.']],
  ['55P03', ['STORE_UNAVAILABLE', 'Another connection holds a lock; send the same again.']],
  ['57014', ['STORE_UNAVAILABLE', 'The server took too long; send the same again.']],
  ['58030', ['STORE_UNAVAILABLE', 'The disk of the server failed: look into its log, then send the same again.']],
  ['XX001', ['STORE_CORRUPT', 'Stop the server, copy its data away, then restore a backup.']],
  ['XX002', ['STORE_CORRUPT', 'An index is damaged: try REINDEX, else restore a backup.']],
]);

/** By the class of the SQLSTATE: connections, refused log-ins, lack of resources, interventions, trouble of the system. */
const classes = new Map<string, Kind>([
  ['08', ['STORE_UNAVAILABLE', again]],
  ['25', ['STORE_UNAVAILABLE', again]],
  // The statement before this one in a pipeline was to prepare it, and failed.
  ['26', ['STORE_UNAVAILABLE', again]],
  ['28', ['INVALID_CONFIGURATION', 'Check the role and its password.']],
  ['53', ['STORE_UNAVAILABLE', again]],
  ['57', ['STORE_UNAVAILABLE', 'The server is stopping or starting; send the same again.']],
  ['58', ['STORE_UNAVAILABLE', 'Look into the log of the server, then send the same again.']],
]);

const maxMessage = 300;

/** What the driver says of a server that wants a password when it was given none. */
const noPassword = /^SASL: .*client password must be/;

/** The error as the ports promise it. What the server calls by no known name is a defect, so it is INTERNAL. */
export function storeFailure(error: unknown, server: string): StatewrightError {
  if (isFailure(error)) return error;
  // The server quotes what it was sent, which may be a whole batch.
  const message = error instanceof Error ? error.message.slice(0, maxMessage) : String(error);
  const found = `${message} (${server})`;
  const kind = kindOf(error);
  return kind
    ? failure(kind[0], { found, remedy: kind[1], cause: error })
    : failure('INTERNAL', { found, cause: error });
}

/** True when the transaction was undone for the sake of another, so that it may be tried again at once. */
export function isRolledBack(error: unknown): boolean {
  const state = sqlState(error);
  return state === '40001' || state === '40P01';
}

/** True when a connection may be had in a moment: the server is not there, starting, or has given all it has. */
export function isNotThere(error: unknown): boolean {
  const state = sqlState(error);
  return kindOf(error)?.[0] === 'STORE_UNAVAILABLE' && (state === undefined || state === '57P03' || state === '53300');
}

/** The SQLSTATE that the server gave; none when the error is the driver's or the network's. */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  return 'severity' in error ? error.code : undefined;
}

function kindOf(error: unknown): Kind | undefined {
  const state = sqlState(error);
  if (state !== undefined) return kinds.get(state) ?? classes.get(state.slice(0, 2));
  if (!(error instanceof Error) || error instanceof TypeError || error instanceof RangeError) return undefined;
  if (noPassword.test(error.message)) return ['INVALID_CONFIGURATION', 'Put the password into the address.'];
  // A connection that could not be made, was cut or was given up: the driver has no codes for most of it.
  return ['STORE_UNAVAILABLE', 'Check that the server runs and can be reached, then send the same again.'];
}
