import { type ChannelModel, connect, type Options } from 'amqplib';
import { type Clock, sleep } from '../../../kernel/clock.ts';
import { failure } from '../../../kernel/errors.ts';
import type { Logger } from '../../../ports/telemetry.ts';
import { busUnavailable } from '../bus-errors.ts';
import { settledWithin } from '../settled-within.ts';

/** A connection to the broker that comes back by itself. */
export interface Link {
  /** The connection, while there is one that is ready. */
  current(): ChannelModel | undefined;
  /** Ends the connection at once, so that another comes. */
  drop(): void;
  /** Says farewell if the broker hears it soon, and ends. */
  close(): Promise<void>;
}

export interface LinkOptions {
  readonly url: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Prepares each new connection; when it rejects, there will be another. */
  begin(model: ChannelModel): Promise<void>;
  /** The connection is gone, with all its channels. */
  lost(): void;
}

const patienceMs = 3_000;
const farewellMs = 300;
const maxReconnectDelayMs = 1_000;
/** A broker or a consumer that stands still is found out within twice this. */
const heartbeatSeconds = 10;

/** Resolves when the first connection is prepared. @throws INVALID_CONFIGURATION, BUS_UNAVAILABLE */
export async function openLink({ url, clock, logger, begin, lost }: LinkOptions): Promise<Link> {
  const where = placeOf(url);
  const closing = new AbortController();
  let socket = new AbortController();
  let current: ChannelModel | undefined;

  async function open(): Promise<void> {
    socket = new AbortController();
    const { signal } = socket;
    try {
      const options = { timeout: patienceMs, noDelay: true, keepAlive: true, ...{ signal } };
      const model = await connect({ ...addressOf(url), heartbeat: heartbeatSeconds }, options);
      let reason: unknown;
      let ended = false;
      model.on('error', (error) => {
        reason = error;
      });
      model.on('blocked', (why) => logger.warn({ broker: where, why }, 'The broker takes no more messages for now.'));
      model.on('close', (error) => {
        ended = true;
        if (current !== model) return;
        current = undefined;
        lost();
        if (closing.signal.aborted) return;
        logger.warn({ broker: where, error: reason ?? error }, 'The bus lost its connection.');
        reopen();
      });
      if (!(await settledWithin(clock, patienceMs, begin(model).catch(note)))) throw new Error('no answer in time');
      if (reason !== undefined || ended) throw reason ?? new Error('the connection was closed');
      if (closing.signal.aborted) throw new Error('the bus was closed');
      current = model;

      function note(error: unknown): void {
        reason ??= error;
      }
    } catch (error) {
      socket.abort();
      throw error;
    }
  }

  async function reopen(): Promise<void> {
    for (let attempt = 0; !closing.signal.aborted; attempt++) {
      const delayMs = Math.min(50 * 2 ** attempt, maxReconnectDelayMs) * (0.5 + Math.random() / 2);
      await sleep(clock, delayMs, closing.signal);
      if (closing.signal.aborted) return;
      try {
        await open();
        logger.info({ broker: where }, 'The bus has its connection again.');
        return;
      } catch (error) {
        logger.debug({ broker: where, error }, 'The broker is not there yet.');
      }
    }
  }

  try {
    await open();
  } catch (error) {
    throw failureAtStart(error, where);
  }

  return {
    current: () => current,
    drop: () => socket.abort(),
    async close() {
      closing.abort();
      if (current !== undefined) await settledWithin(clock, farewellMs, current.close());
      socket.abort();
    },
  };
}

/** The last is all that the driver says of a virtual host that is not there, or not for this user. */
const refused = /ACCESS[-_]REFUSED|NOT_ALLOWED|ConnectionOpenOk; got <ConnectionClose/;

/** What the operator wrote wrong is told apart from a broker that is not there yet. */
function failureAtStart(error: unknown, where: string) {
  const found = error instanceof Error ? error.message : String(error);
  if (!refused.test(found)) return busUnavailable(where, error);
  return failure('INVALID_CONFIGURATION', {
    expected: `a user, a password and a virtual host that ${where} takes`,
    found,
    remedy: 'Set RABBITMQ_URL: amqp://user:password@host:5672/vhost.',
    cause: error,
  });
}

function addressOf(url: string): Options.Connect {
  const { protocol, hostname, port, username, password, pathname } = new URL(url);
  return {
    protocol: protocol.slice(0, -1),
    hostname: hostname.replace(/^\[|\]$/g, ''),
    ...(port === '' ? {} : { port: Number(port) }),
    ...(username === '' ? {} : { username: decodeURIComponent(username), password: decodeURIComponent(password) }),
    // The driver decodes it.
    vhost: pathname.slice(1),
  };
}

/** For messages: who may read them need not know user and password. */
export function placeOf(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}
