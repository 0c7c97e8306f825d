import { ErrorCode, type NatsConnection, NatsError } from 'nats';
import type { Clock } from '../../../kernel/clock.ts';
import { isFailure } from '../../../kernel/errors.ts';
import type { RecordedEvent } from '../../../kernel/message.ts';
import { busClosed, messageTooLarge } from '../bus-errors.ts';
import { createTurns } from '../in-turn.ts';
import { type Confirmations, createConfirmations } from './confirmations.ts';
import { apiErrorOf, apiErrors, dial, type NatsAddress, natsFailure } from './connection.ts';
import { encodeMessage, type NatsMessage } from './message.ts';
import type { Topology } from './topology.ts';

/** Publishes, confirmed by JetStream, on a connection of its own. */
export interface Publisher {
  publish(events: readonly RecordedEvent[]): Promise<void>;
  close(): Promise<void>;
}

export interface PublisherOptions {
  readonly address: NatsAddress;
  readonly clock: Clock;
  readonly namespace: string;
  readonly topology: Topology;
  /** Makes the stream anew when it is gone. */
  readonly ensureStream: () => Promise<unknown>;
}

interface Line {
  readonly connection: NatsConnection;
  readonly confirmations: Confirmations;
}

/** So much of a call is under way at once; the next follows when all of it is confirmed. */
const windowSize = 1_000;
const windowBytes = 8 * 2 ** 20;
/** No stream has the subject: it was removed. */
const nobodyListens: string = ErrorCode.NoResponders;

/**
 * Events of an aggregate must come to be stored in order, even when some of them have to be sent again. On one connection
 * the server takes them in order, so what it has of them is always the first of what was sent; that is why a connection
 * that was lost, or whose answer did not come, is never used again.
 */
export function createPublisher(options: PublisherOptions): Publisher {
  const { address, clock, namespace, topology, ensureStream } = options;
  const turns = createTurns();
  let open: Promise<Line> | undefined;
  let closed = false;

  async function connect(): Promise<Line> {
    const connection = await dial(address, false);
    return { connection, confirmations: createConfirmations(connection, clock) };
  }

  async function connected(): Promise<Line> {
    if (closed) throw busClosed();
    open ??= connect();
    const used = open;
    try {
      const line = await used;
      if (!line.connection.isClosed()) return line;
    } catch (error) {
      if (open === used) open = undefined;
      throw error;
    }
    if (open === used) open = undefined;
    return connected();
  }

  async function abandon(line: Line): Promise<void> {
    if ((await open?.catch(() => undefined)) === line) open = undefined;
    await line.connection.close();
  }

  async function publishAll(line: Line, events: readonly RecordedEvent[], sent: () => void): Promise<void> {
    const maxBytes = line.connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
    for (let at = 0; at < events.length; ) {
      const messages: NatsMessage[] = [];
      for (let bytes = 0; bytes < windowBytes && messages.length < windowSize; ) {
        const event = events[at + messages.length];
        if (event === undefined) break;
        const message = encodeMessage(event, namespace, maxBytes);
        messages.push(message);
        bytes += message.bytes;
      }
      at += messages.length;
      const stored = confirmed(line, messages);
      if (at === events.length) sent();
      await stored;
    }
  }

  async function confirmed({ confirmations }: Line, messages: readonly NatsMessage[]): Promise<void> {
    const rejection = await confirmations.publish(
      messages.map(({ event, headers, data }) => ({ subject: topology.subject(event), headers, data })),
    );
    if (rejection === undefined) return;
    const { at, error } = rejection;
    const message = messages[at];
    if (message !== undefined && apiErrorOf(error) === apiErrors.streamMessageTooLarge)
      throw messageTooLarge(message.event, message.bytes, message.bytes - 1);
    throw error;
  }

  async function publish(events: readonly RecordedEvent[], sent: () => void): Promise<void> {
    const line = await connected();
    try {
      try {
        await publishAll(line, events, sent);
      } catch (error) {
        if (!(error instanceof NatsError && error.code === nobodyListens)) throw error;
        await ensureStream();
        await publishAll(line, events, sent);
      }
    } catch (error) {
      if (!isFailure(error)) await abandon(line);
      throw closed ? busClosed() : natsFailure(address.broker, error);
    }
  }

  return {
    publish: (events) => turns.take((sent) => publish(events, sent)),
    async close() {
      closed = true;
      const line = await open?.catch(() => undefined);
      await line?.connection.close();
    },
  };
}
