import type { RecordedEvent } from '../../kernel/message.ts';
import type { BusSubscribeOptions, EventBus } from '../../ports/event-bus.ts';

/** What becomes of one message on its way to a group. */
export interface Fate {
  /** How often it arrives; 0: it is lost. */
  readonly copies: number;
  /** How many later messages may overtake it. */
  readonly delay: number;
  /** Which of the group's consumers gets it. */
  readonly consumer: number;
}

/**
 * The worst that a bus between processes may do: it loses, repeats and reorders, also within an aggregate, and hands
 * the messages of one aggregate to several consumers at once. What a handler rejects is lost.
 */
export function losingBus(fate: () => Fate): EventBus {
  const groups = new Map<string, Consumer[]>();
  const underWay = new Set<Promise<void>>();
  let late: { event: RecordedEvent; consumer: Consumer; delay: number }[] = [];

  function arrive({ event, consumer }: { readonly event: RecordedEvent; readonly consumer: Consumer }): void {
    const handling = consumer.handle(event).catch(() => {});
    underWay.add(handling);
    handling.finally(() => underWay.delete(handling));
  }

  return {
    provider: 'losing',
    features: { crossProcess: true, durable: false },
    async publish(events) {
      for (const event of events) {
        for (const consumers of groups.values()) {
          const { copies, delay, consumer: at } = fate();
          const consumer = consumers[at % consumers.length];
          if (consumer === undefined) continue;
          for (let copy = 0; copy < copies; copy += 1) late.push({ event, consumer, delay: delay * (copy + 1) });
        }
        for (const message of late) message.delay -= 1;
        const due = late.filter(({ delay }) => delay < 0);
        late = late.filter(({ delay }) => delay >= 0);
        for (const message of due) arrive(message);
      }
    },
    async subscribe(options, handle) {
      const consumers = groups.get(options.group) ?? [];
      groups.set(options.group, consumers);
      const consumer = { options, handle };
      consumers.push(consumer);
      return {
        async close() {
          const at = consumers.indexOf(consumer);
          if (at >= 0) consumers.splice(at, 1);
        },
      };
    },
    async ping() {},
    async close() {
      await Promise.all(underWay);
    },
  };
}

interface Consumer {
  readonly options: BusSubscribeOptions;
  handle(event: RecordedEvent): Promise<void>;
}
