import { setImmediate as nextTurn } from 'node:timers/promises';
import { Redis, type RedisOptions } from 'ioredis';
import { failure, isFailure } from '../../../kernel/errors.ts';
import { clusterNodes } from './cluster-nodes.ts';
import { storeFailure } from './redis-errors.ts';
import type { Script } from './script.ts';

export type Argument = string | number | Buffer;

/**
 * One connection for all that doesn't wait at the server. What a caller is told to have failed is never sent later: a
 * command waits for the connection here, not in the driver, and what was under way when the connection broke is not
 * sent again by the driver, since only the caller knows whether that is safe.
 */
export interface Connection {
  /** Sends one command; a call waits up to the patience for the connection, and as long again for the answer. */
  send<Reply>(command: string, ...args: readonly Argument[]): Promise<Reply>;
  /** The same, with texts as bytes. */
  sendForBytes<Reply>(command: string, ...args: readonly Argument[]): Promise<Reply>;
  /** Runs a script, which the server is given when it doesn't know it. */
  run<Reply>(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<Reply>;
  /** Calls `task` each time the connection is there again after it was lost. */
  onReconnect(task: () => void): void;
  /**
   * Another connection to where this one leads, for commands that wait there up to `blockMs`; it is not made again when
   * it breaks, and whoever asked for it closes it.
   */
  forBlocking(blockMs: number): Redis;
  /** @throws STORE_CLOSED */
  assertOpen(): void;
  /** Waits for what is under way, then lets go. */
  close(): Promise<void>;
}

export interface ConnectionOptions {
  readonly url: string;
  readonly patienceMs: number;
}

const maxReconnectDelayMs = 1_000;

/** Resolves when the server has answered. @throws INVALID_CONFIGURATION, STORE_UNAVAILABLE */
export async function connect({ url, patienceMs }: ConnectionOptions): Promise<Connection> {
  const where = placeOf(url);
  const options = {
    // Nothing that the third version of the protocol adds is used, and older servers and proxies know the second.
    protocol: 2,
    disableClientInfo: true,
    connectTimeout: patienceMs,
    // A server that stands still, or a network that swallows everything, ends the connection.
    socketTimeout: patienceMs,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    // Fails what was under way as soon as the connection is lost.
    maxRetriesPerRequest: 0,
    maxLoadingRetryTime: 500,
    // After a failover the old primary answers still, and takes nothing.
    reconnectOnError: ({ message }: Error) => message.startsWith('READONLY'),
    retryStrategy: (tries: number) => {
      nodes.tryNext(tries);
      return Math.min(20 * 2 ** Math.min(tries, 10), maxReconnectDelayMs) * (0.5 + Math.random() / 2);
    },
  } as const satisfies RedisOptions;
  const redis = new Redis(url, options);
  const nodes = clusterNodes(redis);
  const underWay = new Set<Promise<unknown>>();
  const reconnected = new Set<() => void>();
  let lastError: unknown;
  let closing: Promise<void> | undefined;
  let ready = Promise.withResolvers<void>();
  let wasReady = false;

  const refused = Promise.withResolvers<never>();
  redis.on('error', (error: Error) => {
    lastError = error;
    if (!isFailure(storeFailure(error, where), 'INVALID_CONFIGURATION')) return;
    refused.reject(storeFailure(error, where));
    // With a wrong number of a database the driver would go on in database 0.
    redis.disconnect(true);
  });
  redis.on('ready', () => {
    lastError = undefined;
    ready.resolve();
    if (wasReady) for (const task of reconnected) task();
    wasReady = true;
  });
  redis.on('close', () => {
    ready = Promise.withResolvers();
  });

  const assertOpen = () => {
    if (closing) throw failure('STORE_CLOSED', { found: where, remedy: 'Open the store again.' });
  };

  const isReady = () => redis.status === 'ready';

  const becomeReady = async (deadlineMs: number) => {
    if (isReady()) return;
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, deadlineMs - performance.now());
    await Promise.race([ready.promise, late.promise]);
    clearTimeout(timer);
    if (!isReady()) throw lastError ?? new Error('There is no connection.');
  };

  const attempt = async <Reply>(send: () => Promise<unknown>): Promise<Reply> => {
    const deadlineMs = performance.now() + patienceMs;
    for (;;) {
      try {
        await becomeReady(deadlineMs);
        return (await send()) as Reply;
      } catch (error) {
        const notDone = isUnsent(error) || nodes.follow(error);
        if (!notDone || performance.now() > deadlineMs) throw storeFailure(error, where);
      }
      // The driver is about to be told that the connection is closed.
      await nextTurn();
    }
  };

  const tracked = async <Reply>(send: () => Promise<unknown>): Promise<Reply> => {
    assertOpen();
    const call = attempt<Reply>(send);
    underWay.add(call);
    try {
      return await call;
    } finally {
      underWay.delete(call);
    }
  };

  const connection: Connection = {
    send: (command, ...args) => tracked(() => redis.call(command, [...args])),

    sendForBytes: (command, ...args) => tracked(() => redis.callBuffer(command, [...args])),

    run: ({ text, sha }, keys, args) =>
      tracked(async () => {
        try {
          return await redis.call('EVALSHA', [sha, keys.length, ...keys, ...args]);
        } catch (error) {
          // It was restarted, or its scripts were flushed; nothing was done.
          if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
          return redis.call('EVAL', [text, keys.length, ...keys, ...args]);
        }
      }),

    onReconnect(task) {
      reconnected.add(task);
    },

    forBlocking(blockMs) {
      const own = { socketTimeout: blockMs + patienceMs, enableOfflineQueue: true, retryStrategy: null };
      const other = redis.duplicate(own);
      // Who waits is told by the command that fails.
      other.on('error', () => {});
      return other;
    },

    assertOpen,

    close() {
      closing ??= Promise.allSettled(underWay).then(() => redis.disconnect());
      return closing;
    },
  };

  try {
    await Promise.race([connection.send('PING'), refused.promise]);
  } catch (error) {
    redis.disconnect();
    throw error;
  }
  return connection;
}

/** What the driver says, having no offline queue, of a command that it did not send. */
const isUnsent = (error: unknown) => error instanceof Error && error.message.startsWith("Stream isn't writeable");

/** For messages: who may read them need not know user and password. */
function placeOf(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}
