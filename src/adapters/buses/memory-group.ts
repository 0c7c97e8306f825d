import type { Clock, TimerHandle } from '../../kernel/clock.ts';
import type { RecordedEvent } from '../../kernel/message.ts';
import { type BusConsumer, type BusSubscribeOptions, matchesPattern } from '../../ports/event-bus.ts';
import { createFifo } from './fifo.ts';
import { streamKey } from './partition.ts';

export interface MemoryGroupOptions {
  readonly clock: Clock;
  readonly maxQueued: number;
  readonly stalledAfterMs: number;
  readonly redeliverAfterMs: number;
  readonly maxRedeliverAfterMs: number;
}

/** One group of a bus in memory: its consumers compete for lanes, one lane for each aggregate with something queued. */
export interface MemoryGroup {
  matches(event: RecordedEvent): boolean;
  /** Queues the event, once there is room. False: let go, because the group is stalled or nobody is left in it. */
  offer(event: RecordedEvent): boolean | Promise<boolean>;
  join(options: BusSubscribeOptions, handle: (event: RecordedEvent) => Promise<void>): BusConsumer;
  /** Drops what is queued; resolves when no handler is under way. */
  close(): Promise<void>;
}

interface Lane {
  readonly key: string;
  /** The first one is the one in a handler, when one is. */
  readonly events: RecordedEvent[];
  inHandler: boolean;
  failures: number;
}

interface Consumer {
  readonly patterns: readonly string[];
  readonly maxInFlight: number;
  readonly handle: (event: RecordedEvent) => Promise<void>;
  readonly underWay: Set<Promise<void>>;
}

/** @param onEmpty called when the last consumer has left and no handler is under way. */
export function createMemoryGroup(options: MemoryGroupOptions, onEmpty: () => void): MemoryGroup {
  const { clock, maxQueued, stalledAfterMs } = options;
  const lanes = new Map<string, Lane>();
  // Lanes whose first event is in nobody's hands; in the order they became so. A set would be walked from its first hole.
  const ready = createFifo<Lane>();
  const backoffs = new Set<TimerHandle>();
  const consumers = new Set<Consumer>();
  const publishers: (() => void)[] = [];
  let queued = 0;
  let stalled = false;
  let advancedAtMs = clock.monotonicMs();

  return {
    matches: ({ stream, type }) =>
      consumers.values().some(({ patterns }) => patterns.some((pattern) => matchesPattern(pattern, stream.type, type))),

    offer(event) {
      if (queued < maxQueued && publishers.length === 0) return enqueue(event);
      return stalled ? false : enqueueWithRoom(event);
    },

    join({ patterns, maxInFlight = 64 }, handle) {
      const consumer: Consumer = { patterns, maxInFlight, handle, underWay: new Set() };
      consumers.add(consumer);
      dispatch();
      return {
        async close() {
          consumers.delete(consumer);
          if (consumers.size === 0) dropQueued();
          await Promise.all(consumer.underWay);
        },
      };
    },

    async close() {
      const underWay = [...consumers].flatMap((consumer) => [...consumer.underWay]);
      consumers.clear();
      dropQueued();
      await Promise.all(underWay);
    },
  };

  async function enqueueWithRoom(event: RecordedEvent): Promise<boolean> {
    do await roomOrStall();
    while (queued >= maxQueued && !stalled);
    return queued < maxQueued && enqueue(event);
  }

  function enqueue(event: RecordedEvent): boolean {
    if (consumers.size === 0) return false;
    // It was at rest: only from now on it can be late.
    if (queued === 0) advancedAtMs = clock.monotonicMs();
    queued++;
    const key = streamKey(event.stream);
    const lane = lanes.get(key);
    if (lane !== undefined) {
      lane.events.push(event);
      return true;
    }
    const fresh: Lane = { key, events: [event], inHandler: false, failures: 0 };
    lanes.set(key, fresh);
    ready.put(fresh);
    dispatch();
    return true;
  }

  function dispatch(): void {
    for (let consumer = leastBusy(); consumer !== undefined; consumer = leastBusy()) {
      const lane = ready.take();
      if (lane === undefined) return;
      const delivery = deliver(lane, consumer);
      consumer.underWay.add(delivery);
      delivery.then(() => {
        consumer.underWay.delete(delivery);
        dispatch();
      });
    }
  }

  async function deliver(lane: Lane, consumer: Consumer): Promise<void> {
    const [event] = lane.events;
    if (event === undefined) return;
    lane.inHandler = true;
    try {
      await consumer.handle(event);
      advance(lane);
    } catch {
      redeliverLater(lane);
    } finally {
      lane.inHandler = false;
    }
  }

  function advance(lane: Lane): void {
    lane.events.shift();
    lane.failures = 0;
    queued--;
    stalled = false;
    advancedAtMs = clock.monotonicMs();
    if (lane.events.length > 0) ready.put(lane);
    else forget(lane);
    publishers.shift()?.();
  }

  function redeliverLater(lane: Lane): void {
    if (consumers.size === 0) {
      queued -= lane.events.length;
      forget(lane);
      return;
    }
    const delayMs = Math.min(options.maxRedeliverAfterMs, options.redeliverAfterMs * 2 ** lane.failures++);
    const timer = clock.setTimeout(() => {
      backoffs.delete(timer);
      ready.put(lane);
      dispatch();
    }, delayMs);
    backoffs.add(timer);
  }

  function forget(lane: Lane): void {
    lanes.delete(lane.key);
    if (consumers.size === 0 && lanes.size === 0) onEmpty();
  }

  function leastBusy(): Consumer | undefined {
    let best: Consumer | undefined;
    for (const consumer of consumers) {
      if (consumer.underWay.size >= consumer.maxInFlight) continue;
      if (best === undefined || consumer.underWay.size < best.underWay.size) best = consumer;
    }
    return best;
  }

  /** Resolves when there may be room, or when the group is stalled. */
  function roomOrStall(): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clock.clearTimeout(timer);
        resolve();
      };
      const look = () => {
        const leftMs = advancedAtMs + stalledAfterMs - clock.monotonicMs();
        if (leftMs > 0) timer = clock.setTimeout(look, leftMs);
        else {
          stalled = true;
          for (const publisher of publishers.splice(0)) publisher();
        }
      };
      let timer = clock.setTimeout(look, stalledAfterMs);
      publishers.push(wake);
    });
  }

  /** Keeps what is in handlers, so that whoever joins meanwhile gets nothing of the same aggregate beside them. */
  function dropQueued(): void {
    for (const timer of backoffs) clock.clearTimeout(timer);
    backoffs.clear();
    ready.clear();
    queued = 0;
    for (const lane of lanes.values()) {
      if (lane.inHandler) {
        lane.events.length = 1;
        queued++;
      } else lanes.delete(lane.key);
    }
    for (const publisher of publishers.splice(0)) publisher();
    if (lanes.size === 0) onEmpty();
  }
}
