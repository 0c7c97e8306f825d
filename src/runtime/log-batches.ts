import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RecordedEvent } from '../kernel/message.ts';
import type { EventStore } from '../ports/event-store.ts';

/**
 * The log from behind a position to its end, in order, in batches of up to `size`; the next batch is read while the
 * caller works on this one. Ends at the first read that finds nothing, or when the signal aborts.
 */
export async function* readBatches(
  events: Pick<EventStore, 'readAll'>,
  options: { readonly after: number; readonly to?: number; readonly size: number; readonly signal: AbortSignal },
): AsyncGenerator<readonly RecordedEvent[], void, undefined> {
  const { size, signal, to } = options;
  const read = (after: number) => {
    const batch = readBatch(events, { after, limit: size, ...(to === undefined ? {} : { to }) });
    // Told when its turn comes, if it comes: until then a failure is nobody's, and must not end the process.
    batch.catch(() => {});
    return batch;
  };
  let next = read(options.after);
  for (;;) {
    const batch = await next;
    const last = batch.at(-1);
    if (last === undefined || signal.aborted) return;
    next = read(last.position);
    yield batch;
    // A store in memory answers without ever letting go of the event loop.
    await nextTurn();
  }
}

/** One batch, whole. */
export async function readBatch(
  events: Pick<EventStore, 'readAll'>,
  filter: NonNullable<Parameters<EventStore['readAll']>[0]>,
): Promise<readonly RecordedEvent[]> {
  const batch: RecordedEvent[] = [];
  for await (const event of events.readAll(filter)) batch.push(event);
  return batch;
}

/** The event at a position; undefined when the log does not reach it. */
export async function readAt(
  events: Pick<EventStore, 'readAll'>,
  position: number,
): Promise<RecordedEvent | undefined> {
  const [event] = await readBatch(events, { after: position - 1, to: position, limit: 1 });
  return event;
}
