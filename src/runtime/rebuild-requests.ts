import { sleep } from '../kernel/clock.ts';
import { failure } from '../kernel/errors.ts';
import type { RuntimeContext } from './context.ts';

/** How a rebuild asked for on one worker reaches the one that holds the projection. */
export interface RebuildRequests {
  /** Asks, then resolves when the rebuild is done; joins a request that is under way. @throws DRAINING */
  make(onProgress: () => Promise<void>): Promise<void>;
  /** The holder's side: calls `onRequest` when somebody asked, once for each request. */
  watch(): void;
  unwatch(): void;
  /** The request that waits, if any. */
  pending(): Promise<number | undefined>;
  done(request: number): Promise<void>;
  stop(): void;
}

const watchMs = 1_000;
const askMs = 100;

/**
 * A request is a record in the register of leases: taken when asked, released when done; its token numbers the requests.
 * So it survives whoever asked and whoever was rebuilding.
 */
export function createRebuildRequests(
  { clock, logger, store, workerId }: RuntimeContext,
  projection: string,
  onRequest: () => void,
): RebuildRequests {
  const { leases } = store;
  const lease = `rebuild:${projection}`;
  const stopping = new AbortController();
  let watching = new AbortController();
  watching.abort();

  async function pending(): Promise<number | undefined> {
    const { holder, token } = await leases.read(lease);
    return holder === undefined ? undefined : token;
  }

  async function watch(signal: AbortSignal): Promise<void> {
    let told: number | undefined;
    while (!signal.aborted) {
      try {
        const asked = await pending();
        if (asked !== undefined && asked !== told && !signal.aborted) {
          told = asked;
          onRequest();
        }
      } catch (error) {
        logger.warn({ projection, error }, 'Requests for rebuilds could not be read; trying again.');
      }
      await sleep(clock, watchMs, signal);
    }
  }

  return {
    async make(onProgress) {
      let record = await leases.read(lease);
      while (record.holder === undefined) record = (await leases.take(lease, workerId, record)).record;
      const request = record.token;
      if (!watching.signal.aborted) onRequest();
      while ((await pending()) === request) {
        await onProgress();
        await sleep(clock, askMs, stopping.signal);
        if (stopping.signal.aborted) throw failure('DRAINING', { found: 'a rebuild that goes on elsewhere' });
      }
    },
    watch() {
      watching = new AbortController();
      void watch(AbortSignal.any([watching.signal, stopping.signal]));
    },
    unwatch: () => watching.abort(),
    pending,
    done: (token) => leases.release({ lease, token }),
    stop: () => stopping.abort(),
  };
}
