import type { Clock, TimerHandle } from '../../../kernel/clock.ts';
import type { RecordedEvent } from '../../../kernel/message.ts';
import { messageTooLarge } from '../bus-errors.ts';
import { partitionOf } from '../partition.ts';
import { createTurns } from '../turns.ts';
import type { Connection } from './connection.ts';
import { type Message, messageOf } from './entries.ts';
import type { Keys, Place } from './keys.ts';
import { publishScript, trimScript } from './scripts.ts';

export interface PublisherOptions {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly keys: Keys;
  readonly namespace: string;
  readonly partitions: number;
  readonly maxMessageBytes: number;
  readonly keepMs: number;
  readonly forgetGroupAfterMs: number;
}

interface Outgoing extends Message {
  readonly place: Place;
  readonly key: string;
}

/** Adds events to the partitions, in their order, and removes there what nobody needs any more. */
export interface Publisher {
  /** @throws MESSAGE_TOO_LARGE before anything is sent; BUS_UNAVAILABLE, when some may have been taken. */
  publish(events: readonly RecordedEvent[]): Promise<void>;
  stop(): void;
}

/** Goes to the server at once: it does nothing else meanwhile. */
const maxBatchBytes = 4 * 2 ** 20;
const maxBatchEvents = 500;
/** Of what was just added to. */
const trimAfterMs = 1_000;
/** Of what could not be trimmed yet. */
const trimLeftAfterMs = 10_000;

export function createPublisher(options: PublisherOptions): Publisher {
  const { connection, clock, keys, namespace, partitions, maxMessageBytes } = options;
  const turns = createTurns();
  const untrimmed = new Set<string>();
  let trimming: TimerHandle | undefined;
  let stopped = false;

  function trimLater(streams: readonly string[], afterMs: number): void {
    for (const stream of streams) untrimmed.add(stream);
    if (stopped || untrimmed.size === 0) return;
    trimming ??= clock.setTimeout(async () => {
      const due = [...untrimmed];
      untrimmed.clear();
      const left = await trim(due);
      trimming = undefined;
      trimLater(left, trimLeftAfterMs);
    }, afterMs);
  }

  async function trim(streams: readonly string[]): Promise<readonly string[]> {
    try {
      const args = [options.keepMs, options.forgetGroupAfterMs];
      return await connection.run<string[]>(trimScript, [keys.groups, ...streams], args);
    } catch {
      return streams;
    }
  }

  async function add(batch: readonly Outgoing[]): Promise<void> {
    const places = new Map(batch.map(({ key, place }) => [key, place]));
    const streams = [...places.keys()];
    const aggregates = [...new Set(batch.map(({ place }) => place.aggregate))];
    const at = new Map(streams.map((key, index) => [key, index + 2]));
    await connection.run(
      publishScript,
      [keys.aggregates, ...streams],
      [
        ...[keys.bell, JSON.stringify([...places.values()]), aggregates.length, ...aggregates],
        ...batch.flatMap(({ key, type, text }) => [at.get(key) ?? 0, type, text]),
      ],
    );
    trimLater(streams, trimAfterMs);
  }

  return {
    async publish(events) {
      const messages = events.map((event) => {
        const message = messageOf(event, namespace);
        if (message.bytes > maxMessageBytes) throw messageTooLarge(event, message.bytes, maxMessageBytes);
        const place = { aggregate: event.stream.type, partition: partitionOf(event.stream, partitions) };
        return { ...message, place, key: keys.events(place) };
      });
      const batches = inBatches(messages);
      await turns.take(async (sent) => {
        for (const batch of batches) {
          const added = add(batch);
          if (batch === batches.at(-1)) sent();
          await added;
        }
      });
    },
    stop() {
      stopped = true;
      if (trimming !== undefined) clock.clearTimeout(trimming);
    },
  };
}

function inBatches(messages: readonly Outgoing[]): readonly (readonly Outgoing[])[] {
  const batches: Outgoing[][] = [];
  let batch: Outgoing[] = [];
  let bytes = 0;
  for (const message of messages) {
    if (batch.length === maxBatchEvents || (batch.length > 0 && bytes + message.bytes > maxBatchBytes)) {
      batches.push(batch);
      batch = [];
      bytes = 0;
    }
    batch.push(message);
    bytes += message.bytes;
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}
