import { ErrorCode, type NatsConnection, NatsError } from 'nats';
import type { Clock } from '../../../kernel/clock.ts';
import { isFailure } from '../../../kernel/errors.ts';
import type { RecordedEvent } from '../../../kernel/message.ts';
import { busClosed, messageTooLarge } from '../bus-errors.ts';
import { createTurns } from '../turns.ts';
import { type Confirmations, createConfirmations } from './confirmations.ts';
import { apiErrorOf, apiErrors, dial, type NatsAddress, natsFailure } from './connection.ts';
import { encodeMessage, type NatsMessage } from './message.ts';
import type { Topology } from './topology.ts';

/** Publishes, confirmed by JetStream, on a connection of its own. */
export interface Publisher {
  /** @throws MESSAGE_TOO_LARGE; BUS_UNAVAILABLE. Others of them may have been taken. */
  publish(events: readonly RecordedEvent[]): Promise<void>;
  close(): Promise<void>;
}

export interface PublisherOptions {
  readonly address: NatsAddress;
  readonly clock: Clock;
  readonly namespace: string;
  readonly topology: Topology;
  /** What the server takes of a message, until the publisher's own connection says so. */
  readonly maxBytes: number;
  /** Makes the stream anew when it is gone. */
  readonly ensureStream: () => Promise<unknown>;
}

interface Line {
  readonly connection: NatsConnection;
  readonly confirmations: Confirmations;
}

type Window = readonly NatsMessage[];

/** So much of a call is under way at once; the next follows when all of it is confirmed. */
const windowSize = 1_000;
const windowBytes = 8 * 2 ** 20;

/**
 * Events of an aggregate must come to be stored in order, even when some of them have to be sent again. On one connection
 * the server takes them in order, so what it has of them is always the first of what was sent; that is why a connection
 * that was lost, or whose answer did not come, is never used again.
 */
export function createPublisher(options: PublisherOptions): Publisher {
  const { address, clock, namespace, topology, ensureStream } = options;
  const turns = createTurns();
  let open: Promise<Line> | undefined;
  let { maxBytes } = options;
  let closed = false;

  async function connect(): Promise<Line> {
    const connection = await dial(address, false);
    maxBytes = connection.info?.max_payload ?? maxBytes;
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
    // Not waited for: until its call is told that it failed, others may begin.
    line.connection.close().catch(() => {});
  }

  async function confirmed({ confirmations }: Line, messages: Window): Promise<void> {
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

  /** @throws NatsError as it came when no stream has the subject, unless it was made just before. */
  async function send(
    windows: readonly Window[],
    sent: () => void,
    makeStream?: () => Promise<unknown>,
  ): Promise<void> {
    const line = await connected();
    try {
      await makeStream?.();
      for (const window of windows) {
        const stored = confirmed(line, window);
        if (window === windows.at(-1)) sent();
        await stored;
      }
    } catch (error) {
      if (makeStream === undefined && isNobody(error)) throw error;
      if (!isFailure(error)) await abandon(line);
      throw closed ? busClosed() : natsFailure(address.broker, error);
    }
  }

  return {
    async publish(events) {
      const windows = inWindows(events.map((event) => encodeMessage(event, namespace, maxBytes)));
      try {
        await turns.take((sent) => send(windows, sent));
      } catch (error) {
        if (!isNobody(error)) throw error;
        // Whoever calls from now on comes after it.
        await turns.take((sent) => send(windows, sent, ensureStream));
      }
    },
    async close() {
      closed = true;
      const line = await open?.catch(() => undefined);
      await line?.connection.close();
    },
  };
}

function inWindows(messages: readonly NatsMessage[]): readonly Window[] {
  const windows: NatsMessage[][] = [];
  let window: NatsMessage[] = [];
  let bytes = 0;
  for (const message of messages) {
    if (window.length === 0 || window.length === windowSize || bytes >= windowBytes) {
      window = [];
      windows.push(window);
      bytes = 0;
    }
    window.push(message);
    bytes += message.bytes;
  }
  return windows;
}

/** No stream has the subject: it was removed. */
function isNobody(error: unknown): boolean {
  const nobody: string = ErrorCode.NoResponders;
  return error instanceof NatsError && error.code === nobody;
}
