import type { Link } from './link.ts';

/** Removes from the stream what nobody needs any more. */
export interface Trimmer {
  /** Called whenever something was published; does the work now and then. */
  published(): void;
}

/**
 * Everything up to the lowest acknowledgement of all consumers, strangers' included, goes. The server could do so by
 * itself (retention by interest), but then reads each message again for each acknowledgement, and all that a consumer left
 * whenever one is removed, while nobody else gets on.
 */
export function createTrimmer({ atMost, clock, jetStream, logger, topology }: Link, trimEveryMs: number): Trimmer {
  const { stream } = topology;
  let atMs = clock.monotonicMs();
  let running = false;
  let trimmed = 0;
  /** What the round before found. A consumer that was replaced while we listed them may be in neither list, but is there. */
  let before = 0;

  async function trim(): Promise<void> {
    // Read first: whoever has nothing left to do has done at least this.
    let needless = (await atMost(() => jetStream.streams.info(stream))).state.last_seq;
    for await (const { num_pending, num_ack_pending, ack_floor } of jetStream.consumers.list(stream))
      if (num_pending > 0 || num_ack_pending > 0) needless = Math.min(needless, ack_floor.stream_seq);
    const upTo = Math.min(needless, before);
    before = needless;
    if (upTo <= trimmed) return;
    await jetStream.streams.purge(stream, { seq: upTo + 1 });
    trimmed = upTo;
  }

  return {
    async published() {
      if (running || clock.monotonicMs() - atMs < trimEveryMs) return;
      running = true;
      try {
        await trim();
      } catch (error) {
        logger.debug({ stream, error }, 'The stream could not be trimmed; trying again.');
      }
      atMs = clock.monotonicMs();
      running = false;
    },
  };
}
