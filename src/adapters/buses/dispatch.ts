import type { Clock, TimerHandle } from '../../kernel/clock.ts';
import type { RecordedEvent } from '../../kernel/message.ts';
import { createFifo } from './fifo.ts';
import { streamKey } from './partition.ts';

/** A message that a broker gave to a consumer. */
export interface Delivery {
  readonly event: RecordedEvent;
  /** Where it came from and what is given up as a whole: a partition, a queue. */
  readonly source: string | number;
  /** What it takes in memory, about. */
  readonly bytes: number;
  /** Acknowledges it. Called once, when the handler resolved; never when it did not. */
  done(): void;
}

export interface DispatcherOptions {
  readonly clock: Clock;
  readonly handle: (event: RecordedEvent) => Promise<void>;
  /** How many events may be in handlers at once. Default 64. */
  readonly maxInFlight?: number | undefined;
  /** From so many held events on there is no room. Default 1,000. */
  readonly maxHeld?: number | undefined;
  /** Likewise, in bytes. Default 16 MiB. */
  readonly maxHeldBytes?: number | undefined;
  /** The first wait before a rejected event comes again; doubles. Default 50. */
  readonly redeliverAfterMs?: number | undefined;
  /** Default 5,000. */
  readonly maxRedeliverAfterMs?: number | undefined;
  /** Asked before a handler begins; what is not ours any more is dropped. Default: always. */
  readonly owns?: (source: Delivery['source']) => boolean;
}

/**
 * What one consumer of a broker holds, given to its handler: one event of an aggregate at a time, in the order they were
 * offered, different aggregates side by side. What a handler rejects stays here and comes again after a wait, before any
 * later event of its aggregate: no broker's own redelivery, count or expiry decides.
 */
export interface Dispatcher {
  /** Takes it, full or not: who offers looks for room before fetching. Does nothing after `close`. */
  offer(delivery: Delivery): void;
  hasRoom(): boolean;
  /** Resolves when there is room; after `close` at once. */
  room(): Promise<void>;
  /**
   * Drops at once what no handler has yet of this source, or of every one; what a handler rejects later is dropped too.
   * Resolves when none of it is in a handler: only then may another consumer take it, or order is lost.
   */
  release(source?: Delivery['source']): Promise<void>;
  /** Events held, in handlers or waiting; of one source or all. */
  held(source?: Delivery['source']): number;
  /** Drops what no handler has yet, resolves when no handler is under way. Twice is fine. */
  close(): Promise<void>;
}

interface Held {
  readonly delivery: Delivery;
  released: boolean;
}

interface Lane {
  readonly key: string;
  /** The first one is the one in a handler, when one is. */
  held: Held[];
  handling: Promise<void> | undefined;
  backoff: TimerHandle | undefined;
  failures: number;
}

export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const { clock, handle, owns = () => true } = options;
  const { maxInFlight = 64, maxHeld = 1_000, maxHeldBytes = 16 * 2 ** 20 } = options;
  const { redeliverAfterMs = 50, maxRedeliverAfterMs = 5_000 } = options;
  const lanes = new Map<string, Lane>();
  // Lanes with something that nobody handles; one that was emptied meanwhile may still be there.
  const ready = createFifo<Lane>();
  const waiting = new Set<() => void>();
  let inFlight = 0;
  let count = 0;
  let bytes = 0;
  let closed = false;

  function dispatch(): void {
    while (inFlight < maxInFlight) {
      const lane = ready.take();
      if (lane === undefined) return;
      const [first] = lane.held;
      if (first === undefined || lane.handling !== undefined) continue;
      if (owns(first.delivery.source)) begin(lane, first);
      else drop(first.delivery.source);
    }
  }

  function begin(lane: Lane, first: Held): void {
    inFlight += 1;
    lane.handling = attempt(first.delivery.event).then((handled) => {
      inFlight -= 1;
      lane.handling = undefined;
      if (handled) {
        lane.failures = 0;
        first.delivery.done();
      }
      if (handled || first.released) {
        lane.held.shift();
        forget(first);
        settle(lane);
      } else tryLater(lane);
      dispatch();
    });
  }

  async function attempt(event: RecordedEvent): Promise<boolean> {
    try {
      await handle(event);
      return true;
    } catch {
      return false;
    }
  }

  function tryLater(lane: Lane): void {
    const delayMs = Math.min(maxRedeliverAfterMs, redeliverAfterMs * 2 ** lane.failures++);
    lane.backoff = clock.setTimeout(() => {
      lane.backoff = undefined;
      ready.put(lane);
      dispatch();
    }, delayMs);
  }

  /** Goes on with the lane, or forgets it when it is empty. */
  function settle(lane: Lane): void {
    if (lane.held.length > 0) ready.put(lane);
    else lanes.delete(lane.key);
  }

  function forget({ delivery }: Held): void {
    count -= 1;
    bytes -= delivery.bytes;
    if (hasRoom()) for (const wake of waiting) wake();
  }

  /** @returns the handlers under way of what was dropped. */
  function drop(source?: Delivery['source']): readonly Promise<void>[] {
    const underWay: Promise<void>[] = [];
    for (const lane of lanes.values()) {
      const kept: Held[] = [];
      for (const [at, one] of lane.held.entries()) {
        const concerned = source === undefined || one.delivery.source === source;
        if (concerned) one.released = true;
        if (concerned && at === 0 && lane.handling !== undefined) underWay.push(lane.handling);
        if (!concerned || (at === 0 && lane.handling !== undefined)) kept.push(one);
        else forget(one);
      }
      lane.held = kept;
      if (kept.length > 0) continue;
      lanes.delete(lane.key);
      if (lane.backoff !== undefined) clock.clearTimeout(lane.backoff);
    }
    return underWay;
  }

  const hasRoom = () => closed || (count < maxHeld && bytes < maxHeldBytes);

  return {
    offer(delivery) {
      if (closed) return;
      count += 1;
      bytes += delivery.bytes;
      const key = streamKey(delivery.event.stream);
      const held = { delivery, released: false };
      const lane = lanes.get(key);
      if (lane !== undefined) {
        lane.held.push(held);
        return;
      }
      const fresh: Lane = { key, held: [held], handling: undefined, backoff: undefined, failures: 0 };
      lanes.set(key, fresh);
      ready.put(fresh);
      dispatch();
    },
    hasRoom,
    async room() {
      while (!hasRoom()) {
        const { promise, resolve } = Promise.withResolvers<void>();
        waiting.add(resolve);
        await promise;
        waiting.delete(resolve);
      }
    },
    async release(source) {
      await Promise.all(drop(source));
    },
    held(source) {
      if (source === undefined) return count;
      let found = 0;
      for (const { held } of lanes.values())
        for (const { delivery } of held) if (delivery.source === source) found += 1;
      return found;
    },
    async close() {
      closed = true;
      const underWay = drop();
      for (const wake of waiting) wake();
      await Promise.all(underWay);
    },
  };
}
