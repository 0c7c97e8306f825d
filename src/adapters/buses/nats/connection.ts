import { type ConnectionOptions, connect, type NatsConnection, NatsError } from 'nats';
import { failure, type StatewrightError } from '../../../kernel/errors.ts';
import { busUnavailable } from '../bus-errors.ts';

/** How to reach the servers of one cluster. */
export interface NatsAddress {
  /** Without any secret, for people to read. */
  readonly broker: string;
  readonly options: ConnectionOptions;
}

/** How long any one answer of the server may take. */
export const answerTimeoutMs = 5_000;

/** How long a confirmation may: there may be a thousand before it. */
export const confirmTimeoutMs = 10_000;

const connectTimeoutMs = 3_000;

/** JetStream's filters on several subjects, subject transforms and metadata are of 2.10. */
const oldestServer = { major: 2, minor: 10 };

/**
 * @param url `nats://user:password@host:port`, `nats://token@host`, `tls://…`; several servers with commas between.
 * @throws INVALID_CONFIGURATION
 */
export function parseAddress(url: string): NatsAddress {
  const servers = url.split(',').map((each) => {
    const server = URL.parse(each.trim());
    // Not told what was found: it may hold a password.
    if (server === null || !/^(nats|tls):$/.test(server.protocol) || server.hostname === '')
      throw failure('INVALID_CONFIGURATION', { expected: 'an address such as nats://127.0.0.1:4222, or several' });
    return server;
  });
  const hosts = servers.map(({ hostname, port }) => `${hostname}:${port || 4222}`);
  const { username, password } = servers.find((server) => server.username !== '') ?? { username: '', password: '' };
  const secret = { user: decodeURIComponent(username), pass: decodeURIComponent(password) };
  return {
    broker: `NATS at ${hosts.join(', ')}`,
    options: {
      servers: hosts,
      ...(password !== '' && secret),
      ...(password === '' && username !== '' && { token: secret.user }),
      ...(servers.some(({ protocol }) => protocol === 'tls:') && { tls: {} }),
    },
  };
}

/**
 * @param reconnect whether it comes back by itself, for ever. A connection that does not is closed when it is lost: what
 * was written to it and not confirmed is then a tail of what was written, never a part in the middle.
 * @throws BUS_UNAVAILABLE, INVALID_CONFIGURATION when the server is there and will never have us
 */
export async function dial({ broker, options }: NatsAddress, reconnect: boolean): Promise<NatsConnection> {
  try {
    const connection = await connect({
      ...options,
      name: 'statewright',
      reconnect,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
      ignoreAuthErrorAbort: true,
      timeout: connectTimeoutMs,
      // A server that vanished without a word is noticed within 9 s.
      pingInterval: 3_000,
      maxPingOut: 2,
      noAsyncTraces: true,
    });
    const found = connection.info?.version ?? 'none';
    if (isOldEnough(found)) return connection;
    await connection.close();
    const { major, minor } = oldestServer;
    throw failure('INVALID_CONFIGURATION', { expected: `nats-server ${major}.${minor} or newer`, found });
  } catch (error) {
    throw natsFailure(broker, error);
  }
}

/** What a failed call means. */
export function natsFailure(broker: string, error: unknown): StatewrightError {
  if (error instanceof NatsError && (error.isAuthError() || error.isPermissionError()))
    return failure('INVALID_CONFIGURATION', {
      expected: `credentials that ${broker} accepts`,
      found: error.message,
      cause: error,
    });
  const code = error instanceof NatsError ? error.code : undefined;
  if (code === '503' || (error instanceof NatsError && error.api_error?.err_code === noJetStreamForAccount))
    return failure('BUS_UNAVAILABLE', {
      expected: `JetStream at ${broker}`,
      found: 'nobody who answers for it',
      remedy: 'Start nats-server with JetStream (-js), and enable it for the account.',
      cause: error,
    });
  return busUnavailable(broker, error);
}

/** The error code of JetStream's own answer, such as 10059; undefined when it is no such answer. */
export function apiErrorOf(error: unknown): number | undefined {
  return error instanceof NatsError ? error.api_error?.err_code : undefined;
}

/** What JetStream answers, of https://github.com/nats-io/nats-server/blob/main/server/errors.json. */
export const apiErrors = {
  consumerNotFound: 10_014,
  streamMessageTooLarge: 10_054,
  streamNameTaken: 10_058,
  streamNotFound: 10_059,
  subjectsOverlap: 10_065,
  consumerExists: 10_148,
} as const;

const noJetStreamForAccount = 10_039;

function isOldEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > oldestServer.major || (major === oldestServer.major && minor >= oldestServer.minor);
}
