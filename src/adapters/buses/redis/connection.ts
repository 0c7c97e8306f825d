import { Redis, type RedisOptions } from 'ioredis';
import { failure, type StatewrightError } from '../../../kernel/errors.ts';
import type { Logger } from '../../../ports/telemetry.ts';
import { busUnavailable } from '../bus-errors.ts';
import type { Script } from './scripts.ts';

/**
 * Three connections to the server: one for commands, one for signs of life, which must not wait behind large answers, one
 * that hears the bell. They come back by themselves. A command fails at once while there is no connection, and is never
 * sent again by the driver.
 */
export interface Connection {
  /** @throws BUS_UNAVAILABLE, also for what the server refuses; its text is the cause's. */
  send<Reply>(command: string, ...args: readonly (string | number)[]): Promise<Reply>;
  /** Runs a script, which the server is given when it does not know it. */
  run<Reply>(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<Reply>;
  /** The same on the connection for signs of life. */
  runAtOnce: Connection['run'];
  /** Calls `heard` with what is said on the channels, and `back` when a connection is there again: something was missed. */
  listen(channels: readonly string[], heard: (channel: string, text: string) => void, back: () => void): void;
  /** Sees to it that a bell that went silent is noticed. */
  checkBell(): void;
  /** Lets go at once. */
  close(): void;
}

const patienceMs = 3_000;
const maxReconnectDelayMs = 1_000;

/** Resolves when the server has answered. @throws INVALID_CONFIGURATION, BUS_UNAVAILABLE */
export async function connect(url: string, logger: Logger): Promise<Connection> {
  const where = placeOf(url);
  const options = {
    protocol: 2,
    disableClientInfo: true,
    connectTimeout: patienceMs,
    // A server that stands still, or a network that swallows everything, ends the connection.
    socketTimeout: patienceMs,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    maxLoadingRetryTime: 500,
    lazyConnect: true,
    retryStrategy: (times: number) =>
      Math.min(20 * 2 ** Math.min(times, 10), maxReconnectDelayMs) * (0.5 + Math.random() / 2),
    // After a failover the old master answers still, and takes nothing.
    reconnectOnError: ({ message }: Error) => message.startsWith('READONLY'),
  } as const satisfies RedisOptions;
  const commands = new Redis(url, options);
  const pulse = new Redis(url, options);
  const bell = new Redis(url, options);
  let lastError: unknown;
  // Whoever opens hears of what fails until then.
  let lost = true;

  const clients = [commands, pulse, bell];
  for (const client of clients) {
    client.on('error', (error: Error) => {
      // What the server says once is not covered by what follows from it.
      if (!isRefusal(lastError)) lastError = error;
      // The driver would go on in database 0.
      if (wrongDatabase.test(error.message)) client.disconnect(true);
    });
  }
  commands.on('close', () => {
    if (!lost) logger.warn({ broker: where, error: lastError }, 'The bus lost its connection.');
    lost = true;
  });

  try {
    await Promise.all(clients.map((client) => client.connect()));
    await commands.ping();
  } catch (error) {
    for (const client of clients) client.disconnect();
    throw refusalAtStart(lastError ?? error, where);
  }
  lost = false;

  return {
    async send<Reply>(command: string, ...args: readonly (string | number)[]) {
      try {
        return (await commands.call(command, [...args])) as Reply;
      } catch (error) {
        throw busUnavailable(where, error);
      }
    },

    run: (script, keys, args) => runOn(commands, script, keys, args),
    runAtOnce: (script, keys, args) => runOn(pulse, script, keys, args),

    listen(channels, heard, back) {
      const subscribe = () => bell.subscribe(...channels).then(back, () => bell.disconnect(true));
      bell.on('message', heard);
      bell.on('ready', subscribe);
      commands.on('ready', () => {
        logger.info({ broker: where }, 'The bus has its connection again.');
        lost = false;
        lastError = undefined;
        back();
      });
      pulse.on('ready', back);
      subscribe();
    },

    checkBell() {
      if (bell.status === 'ready') bell.ping().catch(() => {});
    },

    close() {
      lost = true;
      for (const client of clients) client.disconnect();
    },
  };

  async function runOn<Reply>(
    client: Redis,
    { text, sha }: Script,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<Reply> {
    const rest = [keys.length, ...keys, ...args];
    try {
      try {
        return (await client.call('EVALSHA', [sha, ...rest])) as Reply;
      } catch (error) {
        // The server was restarted, or its scripts were flushed; nothing was done.
        if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
        return (await client.call('EVAL', [text, ...rest])) as Reply;
      }
    } catch (error) {
      throw busUnavailable(where, error);
    }
  }
}

const wrongDatabase = /DB index|SELECT is not allowed/;
const refused = /^(WRONGPASS|NOAUTH|NOPERM)|AUTH|invalid password/;

function isRefusal(error: unknown): boolean {
  return error instanceof Error && (wrongDatabase.test(error.message) || refused.test(error.message));
}

/** What the operator wrote wrong is told apart from a server that is not there yet. */
function refusalAtStart(error: unknown, where: string): StatewrightError {
  const found = error instanceof Error ? error.message : String(error);
  if (!isRefusal(error)) return busUnavailable(where, error);
  return failure('INVALID_CONFIGURATION', {
    expected: `an address, a user and a password that ${where} takes`,
    found,
    remedy: 'Set REDIS_URL, or REDIS_HOST, REDIS_PORT, REDIS_PASSWORD and REDIS_BUS_DB.',
    cause: error,
  });
}

/** For messages: who may read them need not know user and password. */
function placeOf(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}
