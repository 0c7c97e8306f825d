import { type Clock, systemClock } from '../../kernel/clock.ts';
import type { RecordedEvent } from '../../kernel/message.ts';
import type { EventBus } from '../../ports/event-bus.ts';
import { maxCloseMs } from './broker-options.ts';
import { busClosed } from './bus-errors.ts';
import { createMemoryGroup, type MemoryGroup, type MemoryGroupOptions } from './memory-group.ts';
import { settledWithin } from './settled-within.ts';
import { createTurns } from './turns.ts';

/** All optional. */
export interface MemoryBusOptions {
  readonly clock?: Clock;
  /** Events that a group holds at most, those in handlers included; `publish` waits for room. Default 10,000. */
  readonly maxQueued?: number;
  /** A full group that handles nothing for so long is stalled: it takes no more until it gets on, and no other group
   * waits for it. What it is not given it finds in the log. Default 5,000. */
  readonly stalledAfterMs?: number;
  /** The first wait before a rejected event comes again; doubles. Default 50. */
  readonly redeliverAfterMs?: number;
  /** Default 5,000. */
  readonly maxRedeliverAfterMs?: number;
  /** Told of each event that a stalled group was not given. */
  readonly onLetGo?: (group: string, event: RecordedEvent) => void;
}

/** A bus within one process: nothing is copied, nothing outlives it, and a group without consumers keeps nothing. */
export function memoryBus(options: MemoryBusOptions = {}): EventBus {
  const settings: MemoryGroupOptions = {
    clock: options.clock ?? systemClock,
    maxQueued: options.maxQueued ?? 10_000,
    stalledAfterMs: options.stalledAfterMs ?? 5_000,
    redeliverAfterMs: options.redeliverAfterMs ?? 50,
    maxRedeliverAfterMs: options.maxRedeliverAfterMs ?? 5_000,
  };
  const groups = new Map<string, MemoryGroup>();
  const turns = createTurns();
  let closing: Promise<void> | undefined;

  async function publish(events: readonly RecordedEvent[]): Promise<void> {
    for (const event of events) {
      for (const [name, group] of groups) {
        if (!group.matches(event)) continue;
        const offered = group.offer(event);
        const taken = typeof offered === 'boolean' ? offered : await offered;
        if (!taken && groups.get(name) === group) options.onLetGo?.(name, event);
      }
      if (closing !== undefined) throw busClosed();
    }
    if (closing !== undefined) throw busClosed();
  }

  return {
    provider: 'memory',
    features: { crossProcess: false, durable: false },

    publish: (events) => turns.take(() => publish(events)),

    async subscribe(subscription, handle) {
      if (closing !== undefined) throw busClosed();
      const { group: name } = subscription;
      const group = groups.get(name) ?? createMemoryGroup(settings, () => groups.delete(name));
      groups.set(name, group);
      return group.join(subscription, handle);
    },

    async ping() {
      if (closing !== undefined) throw busClosed();
    },

    close() {
      closing ??= closeAll();
      return closing;
    },
  };

  async function closeAll(): Promise<void> {
    await settledWithin(settings.clock, maxCloseMs, Promise.all([...groups.values()].map((group) => group.close())));
  }
}
