/** How many messages a raw run carries, and how large each is. */
export const rawMessages = 20_000;
export const payload = Buffer.from(JSON.stringify({ text: 'x'.repeat(1_000) }));
/** How many are on their way to the broker at once: as many as the relay publishes together. */
export const publishedTogether = 500;

/** A broker's own client: publishes all, confirmed, and consumes and acknowledges all meanwhile. */
export type RawBus = (address: string) => Promise<{
  /** Publishes so many, and resolves when they are confirmed. */
  publish(count: number): Promise<void>;
  /** Begins to consume; resolves when so many were taken and acknowledged. */
  consume(count: number): Promise<void>;
  close(): Promise<void>;
}>;

/** Messages a second from the first publish to the last acknowledgement. */
export async function rawMessagesPerSecond(open: RawBus, address: string): Promise<number> {
  const bus = await open(address);
  try {
    // A first few, so that everybody has joined.
    await Promise.all([bus.consume(100), bus.publish(100)]);
    const startedMs = performance.now();
    const consumed = bus.consume(rawMessages);
    for (let sent = 0; sent < rawMessages; sent += publishedTogether) await bus.publish(publishedTogether);
    await consumed;
    return rawMessages / ((performance.now() - startedMs) / 1_000);
  } finally {
    await bus.close();
  }
}

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
