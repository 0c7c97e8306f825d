import { isFailure, type StatewrightError } from '../kernel/errors.ts';
import type { EventId, RecordedEvent } from '../kernel/message.ts';
import type { Breaker } from './breaker.ts';
import type { RuntimeContext } from './context.ts';
import type { CountBook } from './counts.ts';
import { readBatches } from './log-batches.ts';

/**
 * Publishes the log in its order. Two batches are on their way while the next is read, so that the bus need not wait. Behind
 * one that failed nothing more is begun; the other one, if the bus took it, has overtaken it, and is published again after
 * it. (A bus that drops repeats keeps it where it is.)
 */
export interface Carrier {
  /**
   * Publishes what is behind the position, to the end of the log. Calls `carried` with the last event of each batch, in order,
   * when the bus holds all up to there, and waits for it. When it settles, nothing is on its way.
   */
  carry(after: number, signal: AbortSignal, carried: (last: RecordedEvent) => Promise<void>): Promise<void>;
}

const batchSize = 500;

export function createCarrier(context: RuntimeContext, counts: CountBook, breaker: Breaker): Carrier {
  const { bus, logger, store, telemetry } = context;
  /** Too large for the bus; those that are not behind us yet. */
  const tooLarge = new Set<EventId>();
  /** Up to this position events are published one by one: one of them is too large. */
  let aloneTo = 0;
  /** The bus found something too large in this round. */
  let refused = false;

  async function publish(batch: readonly RecordedEvent[]): Promise<void> {
    const events = tooLarge.size === 0 ? batch : batch.filter(({ id }) => !tooLarge.has(id));
    try {
      await breaker.run(() => bus.publish(events));
    } catch (error) {
      if (isFailure(error, 'MESSAGE_TOO_LARGE')) refuse(events, error);
      throw error;
    }
    for (const event of events) counts.add('published', event.type);
    telemetry.count('events_published_total', {}, events.length);
  }

  function refuse(events: readonly RecordedEvent[], error: StatewrightError): void {
    const blamed = events.length === 1 ? events[0] : events.find(({ id }) => id === error.explanation.details?.eventId);
    refused = true;
    if (blamed === undefined) {
      aloneTo = Math.max(aloneTo, events.at(-1)?.position ?? 0);
      return;
    }
    tooLarge.add(blamed.id);
    logger.error({ event: blamed.id, error }, 'The bus cannot carry an event: its subscriptions read it from the log.');
  }

  const carry: Carrier['carry'] = async (after, signal, carried) => {
    let position = after;

    /** @param before settles when all earlier batches have; rejects when one of them was not carried. */
    async function carryOne(batch: readonly RecordedEvent[], before: Promise<void>): Promise<void> {
      const published = publish(batch);
      await Promise.allSettled([before, published]);
      await before;
      await published;
      const last = batch.at(-1);
      if (last === undefined) return;
      position = last.position;
      for (const { id } of batch) tooLarge.delete(id);
      await carried(last);
    }

    async function carryAll(part: { readonly size: number; readonly to?: number }): Promise<void> {
      let latest = Promise.resolve();
      let failed = false;
      try {
        for await (const batch of readBatches(store.events, { after: position, signal, ...part })) {
          if (failed) break;
          const before = latest;
          latest = carryOne(batch, before);
          latest.catch(() => {
            failed = true;
          });
          // A bus that did not answer is probed with one batch.
          await (breaker.state() === 'closed' ? before : latest);
        }
      } finally {
        await latest;
      }
    }

    for (;;) {
      refused = false;
      try {
        if (position < aloneTo) await carryAll({ size: 1, to: aloneTo });
        return await carryAll({ size: batchSize });
      } catch (error) {
        if (!refused) throw error;
      }
    }
  };

  return { carry };
}
