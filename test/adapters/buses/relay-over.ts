import { expect } from 'vitest';
import { memoryStore } from '../../../src/adapters/stores/memory/memory.ts';
import type { RecordedEvent } from '../../../src/kernel/message.ts';
import type { EventBus } from '../../../src/ports/event-bus.ts';
import { createProcessor } from '../../../src/runtime/processor.ts';
import { newEvent } from '../../../src/testing/store-fixtures.ts';

/**
 * Lets a relay carry a log over the bus to its end, first one too large event alone, then a thousand with some of them among
 * them, in batches that are on their way together.
 * @param text of a too large event's data
 * @returns the events that the bus can carry.
 */
export async function relayTooLargeOver(bus: EventBus, text: string): Promise<readonly RecordedEvent[]> {
  const store = memoryStore();
  const append = (texts: readonly string[]) =>
    store.events.append(
      texts.map((text, at) => ({
        stream: { type: 'Order', id: String(at) },
        expected: 'any',
        events: [newEvent('Happened', { text })],
      })),
    );
  const carried = () => expect.poll(async () => (await store.checkpoints.load('relay'))?.position, { timeout: 30_000 });
  await append([text]);
  const processor = createProcessor({ store, bus, aggregates: [] });
  await processor.start();
  await carried().toBe(1);
  await append(Array.from({ length: 1_000 }, (_, at) => ([10, 11, 12, 520, 530].includes(at) ? text : 'small')));
  await carried().toBe(1_001);
  const log = await Array.fromAsync(store.events.readAll());
  await processor.drain();
  return log.filter(({ data }) => (data as { readonly text: string }).text === 'small');
}
