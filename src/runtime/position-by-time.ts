import type { EventStore } from '../ports/event-store.ts';
import { readAt } from './log-batches.ts';

/**
 * The last position recorded before `time` (ISO 8601); 0 when there is none. `recordedAt` never decreases with position,
 * so it is found by halving: some twenty reads in a log of a million events.
 */
export async function positionBefore(events: Pick<EventStore, 'readAll' | 'head'>, time: string): Promise<number> {
  const sought = Date.parse(time);
  let before = 0;
  let after = (await events.head()) + 1;
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    const event = await readAt(events, middle);
    if (event !== undefined && Date.parse(event.recordedAt) < sought) before = middle;
    else after = middle;
  }
  return before;
}
