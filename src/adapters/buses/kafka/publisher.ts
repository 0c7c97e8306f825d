import { Partitioners, type Producer } from 'kafkajs';
import { type Clock, sleep } from '../../../kernel/clock.ts';
import { failure } from '../../../kernel/errors.ts';
import { behindFailed, busClosed } from '../bus-errors.ts';
import type { KafkaClient } from './client.ts';
import type { OutgoingMessage } from './messages.ts';
import { createRenewable } from './renewable.ts';
import type { Topic } from './topic.ts';

export interface PublisherOptions {
  readonly topic: Topic;
  readonly clock: Clock;
  /** A client for each producer. */
  readonly client: () => KafkaClient;
  /** After so long a batch has failed. */
  readonly timeoutMs: number;
}

/** Sends messages in the order of the calls, each confirmed by all replicas in sync before the next batch goes. */
export interface Publisher {
  publish(messages: readonly OutgoingMessage[]): Promise<void>;
  /** Connects now instead of with the first batch, if it can. */
  warmUp(): void;
  /** Lets go of what waits, and of what is on its way. */
  close(): void;
}

interface Call {
  /** Not sent yet. */
  waiting: readonly OutgoingMessage[];
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * One batch is on its way at a time, with what came meanwhile in the next. A producer whose batch failed is cut off and
 * replaced: kafkajs would give the next batch the sequence numbers of the failed one, which the broker, if it has that one
 * after all, takes for a repeat and drops. Cut off, it can't send it late either.
 */
export function createPublisher({ topic, clock, client, timeoutMs }: PublisherOptions): Publisher {
  const calls: Call[] = [];
  const closing = new AbortController();
  let busy = false;

  const producer = createRenewable<{ readonly client: KafkaClient; readonly producer: Producer }>(
    () => {
      const own = client();
      const options = { idempotent: true, allowAutoTopicCreation: false };
      return {
        client: own,
        producer: own.kafka.producer({ ...options, createPartitioner: Partitioners.DefaultPartitioner }),
      };
    },
    (one) => one.producer.connect(),
    async (one) => one.client.cutOff(),
  );

  async function flush(): Promise<void> {
    while (calls.length > 0) {
      const { messages, concerned, complete } = nextBatch();
      try {
        await inTime(producer.use((one) => one.producer.send({ topic: topic.name, messages, acks: -1 })));
        for (const call of complete) call.resolve();
      } catch (error) {
        await producer.end();
        for (const call of concerned) call.reject(error);
        // Nothing may go out ahead of what comes again.
        for (const call of calls.splice(0)) call.reject(behindFailed(error));
      }
    }
    busy = false;
  }

  /** As many messages as one record batch takes: they might all be of one partition. */
  function nextBatch() {
    const messages: OutgoingMessage['message'][] = [];
    const concerned: Call[] = [];
    const complete: Call[] = [];
    let room = topic.maxMessageBytes - batchBytes;
    for (let call = calls[0]; call !== undefined; call = calls[0]) {
      let taken = 0;
      for (const { message, bytes } of call.waiting) {
        if (messages.length > 0 && (bytes > room || messages.length === maxBatch)) break;
        messages.push(message);
        room -= bytes;
        taken += 1;
      }
      if (taken > 0) concerned.push(call);
      call.waiting = call.waiting.slice(taken);
      if (call.waiting.length > 0) break;
      complete.push(call);
      calls.shift();
    }
    return { messages, concerned, complete };
  }

  async function inTime<Result>(work: Promise<Result>): Promise<Result> {
    const settled = new AbortController();
    const late = sleep(clock, timeoutMs, AbortSignal.any([settled.signal, closing.signal])).then(() => {
      if (closing.signal.aborted) throw busClosed();
      throw failure('BUS_UNAVAILABLE', { expected: `a confirmation within ${timeoutMs} ms`, found: 'none' });
    });
    late.catch(() => {});
    try {
      return await Promise.race([work, late]);
    } finally {
      settled.abort();
      work.catch(() => {});
    }
  }

  return {
    publish(messages) {
      if (closing.signal.aborted) return Promise.reject(busClosed());
      if (messages.length === 0) return Promise.resolve();
      return new Promise((resolve, reject) => {
        calls.push({ waiting: messages, resolve, reject });
        if (busy) return;
        busy = true;
        // After this turn of the event loop, so that all calls that it brings go together.
        setImmediate(flush);
      });
    },
    warmUp() {
      producer.use(async () => {}).catch(() => {});
    },
    close() {
      closing.abort();
      for (const call of calls.splice(0)) call.reject(busClosed());
      producer.end();
    },
  };
}

/** What a record batch takes beside its records (Kafka protocol, "Record Batch"). */
export const batchBytes = 61;
const maxBatch = 2_000;
