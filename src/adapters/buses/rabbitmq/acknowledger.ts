import type { Channel, ConsumeMessage } from 'amqplib';

/** Acknowledges what a channel delivered to its one consumer, in whatever order it is done. */
export interface Acknowledger {
  add(message: ConsumeMessage): void;
  /** Sends now what else is sent at the end of this turn of the event loop. */
  flush(): void;
}

/** Few acknowledgements of many deliveries each: every one is a command in the queue's own log. */
export function createAcknowledger(channel: Channel): Acknowledger {
  // By delivery tag: 1, 2, 3, …
  const done = new Map<number, ConsumeMessage>();
  // Acknowledged alone, ahead of others that are not.
  const told = new Set<number>();
  let lowest = 1;
  let soon = false;

  function flush(): void {
    soon = false;
    let last: ConsumeMessage | undefined;
    for (; done.has(lowest) || told.delete(lowest); lowest += 1) {
      last = done.get(lowest) ?? last;
      done.delete(lowest);
    }
    try {
      if (last !== undefined) channel.ack(last, true);
      for (const message of done.values()) channel.ack(message);
    } catch {
      // The channel is being closed: the messages come again, to somebody.
    }
    for (const tag of done.keys()) told.add(tag);
    done.clear();
  }

  return {
    add(message) {
      done.set(message.fields.deliveryTag, message);
      if (soon) return;
      soon = true;
      setImmediate(() => {
        if (soon) flush();
      });
    },
    flush,
  };
}
