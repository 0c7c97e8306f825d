import { ErrorCode, type NatsConnection, NatsError } from 'nats';
import { isFailure } from '../../../kernel/errors.ts';
import type { RecordedEvent } from '../../../kernel/message.ts';
import { busClosed, messageTooLarge } from '../bus-errors.ts';
import { apiErrorOf, apiErrors, confirmTimeoutMs, dial, type NatsAddress, natsFailure } from './connection.ts';
import { encodeMessage, type NatsMessage } from './message.ts';
import type { Topology } from './topology.ts';

/** Publishes, confirmed by JetStream, on a connection of its own. */
export interface Publisher {
  publish(events: readonly RecordedEvent[]): Promise<void>;
  close(): Promise<void>;
}

export interface PublisherOptions {
  readonly address: NatsAddress;
  readonly namespace: string;
  readonly topology: Topology;
  /** Makes the stream anew when it is gone. */
  readonly ensureStream: () => Promise<unknown>;
}

/** So much is under way at once; the next follows when all of it is confirmed. */
const windowSize = 1_000;
const windowBytes = 8 * 2 ** 20;
/** No stream has the subject: it was removed. */
const nobodyListens: string = ErrorCode.NoResponders;

/**
 * Events of an aggregate must come to be stored in order, even when some of them have to be sent again. On one connection
 * the server takes them in order, so what it has of them is always the first of what was sent; that is why a connection
 * that was lost, or whose answer did not come, is never used again.
 */
export function createPublisher({ address, namespace, topology, ensureStream }: PublisherOptions): Publisher {
  let open: Promise<NatsConnection> | undefined;
  let closed = false;

  async function connected(): Promise<NatsConnection> {
    if (closed) throw busClosed();
    open ??= dial(address, false);
    const used = open;
    try {
      const connection = await used;
      if (!connection.isClosed()) return connection;
    } catch (error) {
      if (open === used) open = undefined;
      throw error;
    }
    if (open === used) open = undefined;
    return connected();
  }

  async function abandon(connection: NatsConnection): Promise<void> {
    if ((await open?.catch(() => undefined)) === connection) open = undefined;
    await connection.close();
  }

  async function publishAll(connection: NatsConnection, events: readonly RecordedEvent[]): Promise<void> {
    const maxBytes = connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
    for (let at = 0; at < events.length; ) {
      const messages: NatsMessage[] = [];
      for (let bytes = 0; bytes < windowBytes && messages.length < windowSize; ) {
        const event = events[at + messages.length];
        if (event === undefined) break;
        const message = encodeMessage(event, namespace, maxBytes);
        messages.push(message);
        bytes += message.bytes;
      }
      await confirmed(connection, messages);
      at += messages.length;
    }
  }

  async function confirmed(connection: NatsConnection, messages: readonly NatsMessage[]): Promise<void> {
    const jetStream = connection.jetstream({ timeout: confirmTimeoutMs });
    const answers = messages.map(({ event, headers, data }) =>
      jetStream.publish(topology.subject(event), data, { headers }),
    );
    // All of them, so that none is anybody's unhandled rejection.
    for (const [at, outcome] of (await Promise.allSettled(answers)).entries()) {
      if (outcome.status === 'fulfilled') continue;
      const message = messages[at];
      if (message !== undefined && apiErrorOf(outcome.reason) === apiErrors.streamMessageTooLarge)
        throw messageTooLarge(message.event, message.bytes, message.bytes - 1);
      throw outcome.reason;
    }
  }

  return {
    async publish(events) {
      const connection = await connected();
      try {
        try {
          await publishAll(connection, events);
        } catch (error) {
          if (!(error instanceof NatsError && error.code === nobodyListens)) throw error;
          await ensureStream();
          await publishAll(connection, events);
        }
      } catch (error) {
        if (!isFailure(error)) await abandon(connection);
        throw closed ? busClosed() : natsFailure(address.broker, error);
      }
    },
    async close() {
      closed = true;
      const connection = await open?.catch(() => undefined);
      await connection?.close();
    },
  };
}
