import type { RecordedEvent } from '../../../src/kernel/message.ts';
import { recorded } from '../../../src/testing/bus-fixtures.ts';

/** How many messages a raw run carries. */
export const rawMessages = 20_000;
/** The text in the data of each, of about 1 kB. */
export const rawText = 'x'.repeat(1_000);
/** How many are on their way to the broker at once: as many as the relay publishes together. */
const publishedTogether = 500;
/** A first few, so that everybody has joined. */
export const warmUp = 500;

/** What a raw run carries of each event: its data alone, or the bus's own message with the headers that it promises. */
export type Carried = 'data' | 'message';

/**
 * A broker's own client: publishes what it carries of the events, encoded before any clock starts, confirmed, and consumes
 * and acknowledges all meanwhile. What it consumes is not decoded beyond what the client does by itself.
 */
export type RawBus = (
  address: string,
  events: readonly RecordedEvent[],
  carried: Carried,
) => Promise<{
  /** Publishes these of the messages, and resolves when they are confirmed. */
  publish(from: number, to: number): Promise<void>;
  /** Begins to consume; resolves when so many were taken and acknowledged. */
  consume(count: number): Promise<void>;
  close(): Promise<void>;
}>;

/** Messages a second from the first publish to the last acknowledgement. */
export async function rawMessagesPerSecond(open: RawBus, address: string, carried: Carried): Promise<number> {
  const events = Array.from({ length: warmUp + rawMessages }, (_, at) =>
    recorded({ type: 'Account', id: `account-${at % 2_000}` }, at + 1, { text: rawText, at }),
  );
  const bus = await open(address, events, carried);
  try {
    await Promise.all([bus.consume(warmUp), bus.publish(0, warmUp)]);
    const startedMs = performance.now();
    const consumed = bus.consume(rawMessages);
    for (let from = warmUp; from < events.length; from += publishedTogether)
      await bus.publish(from, from + publishedTogether);
    await consumed;
    return rawMessages / ((performance.now() - startedMs) / 1_000);
  } finally {
    await bus.close();
  }
}

export const dataOf = ({ data }: RecordedEvent): Buffer => Buffer.from(JSON.stringify(data));

/** Counts what comes, and tells when as many came as somebody waits for. */
export function createTally() {
  let count = 0;
  let waiting: { readonly at: number; resolve(): void } | undefined;
  return {
    add(more: number): void {
      count += more;
      if (waiting !== undefined && count >= waiting.at) waiting.resolve();
    },
    /** Resolves when so many more than at the last call have come. */
    more(wanted: number): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting = { at: (waiting?.at ?? 0) + wanted, resolve };
      if (count >= waiting.at) resolve();
      return promise;
    },
  };
}
