import type { StreamId } from '../kernel/message.ts';
import type { Cursor, CursorChange } from '../ports/coordination.ts';
import { maxEntries } from '../ports/event-store.ts';
import type { RuntimeContext } from './context.ts';
import { grouped } from './grouped.ts';
import { isPassing } from './passing.ts';
import { retrying } from './retry.ts';

/** The cursors of one subscription, read and written in groups. */
export interface CursorBook {
  load(stream: StreamId): Promise<Cursor>;
  loadAll(streams: readonly StreamId[]): Promise<readonly Cursor[]>;
  /**
   * Compare-and-set. When the store's answer was lost and the change is sent again, it may say that it did not move though
   * it did: compare what the cursor is with what it should become.
   */
  advance(change: CursorChange): Promise<{ readonly moved: boolean; readonly cursor: Cursor }>;
}

/**
 * A store that does not answer is waited for, until `signal` aborts; what is handled by then is still written down once
 * more.
 */
export function createCursorBook(context: RuntimeContext, subscription: string, signal: AbortSignal): CursorBook {
  const { clock, settings, store } = context;
  const waiting = <Result>(task: () => Promise<Result>) =>
    retrying(task, {
      clock,
      delayMs: settings.retryDelayMs,
      maxDelayMs,
      // Not `signal`: that would not wait for the write under way.
      isRetryable: (error) => isPassing(error) && !signal.aborted,
    });
  const loadAll = (streams: readonly StreamId[]) => waiting(() => store.cursors.load(subscription, streams));
  return {
    load: grouped(loadAll, maxEntries),
    async loadAll(streams) {
      const slices: StreamId[][] = [];
      for (let at = 0; at < streams.length; at += maxEntries) slices.push(streams.slice(at, at + maxEntries));
      return (await Promise.all(slices.map(loadAll))).flat();
    },
    advance: grouped((changes) => waiting(() => store.cursors.advance(changes)), maxEntries),
  };
}

/** What a drain may wait for a store that is away. */
const maxDelayMs = 2_000;
