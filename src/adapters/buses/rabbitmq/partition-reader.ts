import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import type { Clock } from '../../../kernel/clock.ts';
import type { RecordedEvent } from '../../../kernel/message.ts';
import type { Dispatcher } from '../dispatch.ts';
import { settledWithin } from '../settled-within.ts';
import { type Acknowledger, createAcknowledger } from './acknowledger.ts';

export interface PartitionReaderOptions {
  readonly model: ChannelModel;
  readonly clock: Clock;
  readonly queue: string;
  /** Nobody else's, not even that of an earlier reader of the queue. */
  readonly source: string;
  readonly dispatcher: Dispatcher;
  /** Undefined for what is only to be acknowledged. */
  readonly eventFor: (message: ConsumeMessage) => RecordedEvent | undefined;
  /** The channel or the consumer was ended, by the broker or with the connection. */
  readonly lost: () => void;
}

/** Consumes one queue of a group on a channel of its own, whose end gives back to the queue what is not acknowledged. */
export interface PartitionReader {
  readonly source: string;
  /** Resolves when it consumes, or waits as the next to do so. */
  open(): Promise<void>;
  /** Gives the queue up: resolves when none of it is in a handler and what was handled is acknowledged. */
  close(): Promise<void>;
  /** Takes no more, and acknowledges no more: the channel is gone. */
  abandon(): void;
}

/**
 * Unacknowledged messages of a queue at its consumer. The same everywhere, as order hangs on it: what one consumer gives
 * back goes behind what came back before, so its successor must be able to take all of it at once.
 */
const prefetch = 100;
const maxHeardMs = 2_000;
const maxFarewellMs = 1_000;
/** Headers, and the objects around them. */
const overheadBytes = 2_048;

export function createPartitionReader(options: PartitionReaderOptions): PartitionReader {
  const { model, clock, queue, source, dispatcher } = options;
  let channel: Channel | undefined;
  let acknowledger: Acknowledger | undefined;
  let opening: Promise<void> | undefined;
  let closing: Promise<void> | undefined;
  let over = false;

  async function open(): Promise<void> {
    const fresh = await model.createChannel();
    channel = fresh;
    fresh.on('error', () => {});
    fresh.on('close', end);
    acknowledger = createAcknowledger(fresh);
    await fresh.prefetch(prefetch);
    await fresh.consume(queue, take);
  }

  function take(message: ConsumeMessage | null): void {
    // The broker ended the consumer: the queue was removed.
    if (message === null) end();
    // The end of the channel gives it back.
    if (message === null || closing !== undefined || over) return;
    const event = options.eventFor(message);
    const done = () => acknowledge(message);
    const bytes = message.content.length + overheadBytes;
    if (event === undefined) done();
    else dispatcher.offer({ event, source, bytes, done });
  }

  function acknowledge(message: ConsumeMessage): void {
    if (!over) acknowledger?.add(message);
  }

  function end(): void {
    if (over) return;
    over = true;
    channel?.close().catch(() => {});
    if (closing === undefined) options.lost();
  }

  async function close(): Promise<void> {
    await opening?.catch(() => {});
    await dispatcher.release(source);
    if (over || channel === undefined) return;
    acknowledger?.flush();
    over = true;
    await settledWithin(clock, maxHeardMs, heard(channel));
    await settledWithin(clock, maxFarewellMs, channel.close());
  }

  /**
   * Resolves when the queue has heard what was acknowledged. While 32 commands of a channel are under way to a quorum queue, the
   * broker keeps further acknowledgements back, and it forgets these when the channel closes (`rabbit_fifo_client`): what was
   * handled would come again, behind what came after it. To register once more, as one who waits its turn, is a command
   * that the channel itself waits for: those before it have been done then, and the rest is on its way. (So would a message
   * be, but a broker short of memory reads nothing more from a connection that publishes.)
   */
  async function heard(last: Channel): Promise<void> {
    await last.consume(queue, () => {});
  }

  return {
    source,
    open() {
      opening ??= open();
      return opening;
    },
    close() {
      closing ??= close();
      return closing;
    },
    abandon() {
      over = true;
    },
  };
}
