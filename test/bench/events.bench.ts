import { memoryBus } from '../../src/adapters/buses/memory.ts';
import type { Store } from '../../src/ports/store.ts';
import { defineProjection } from '../../src/runtime/define.ts';
import { createProcessor, type ProcessorOptions } from '../../src/runtime/processor.ts';
import { newEvent } from '../../src/testing/store-fixtures.ts';

export const events = 100_000;
const streams = 10_000;

/** Events per second of reading a log once, of projecting it, and of handling it through the bus; each from its beginning. */
export interface EventRates {
  readonly read: number;
  readonly projected: number;
  readonly handled: number;
}

export async function eventRates(freshStore: () => Store): Promise<EventRates> {
  const store = await filled(freshStore());
  const read = await rate(() => Array.fromAsync(store.events.readAll()));
  await store.close();
  return {
    read,
    projected: await projected(await filled(freshStore())),
    handled: await handled(await filled(freshStore())),
  };
}

async function projected(store: Store): Promise<number> {
  const counts = defineProjection<{ readonly count: number }>({
    name: 'counts',
    on: ['Account.*'],
    key: ({ stream }) => stream.id,
    fold: (row) => ({ count: (row?.count ?? 0) + 1 }),
    totals: ({ count }) => ({ count }),
  });
  return running({ store, projections: [counts] }, ({ projections }) => projections.waitFor('counts', events));
}

async function handled(store: Store): Promise<number> {
  const all = Promise.withResolvers<void>();
  let count = 0;
  const subscription = {
    name: 'counter',
    on: ['Account.*'],
    async handle() {
      count += 1;
      if (count === events) all.resolve();
    },
  };
  return running({ store, subscriptions: [subscription] }, () => all.promise);
}

async function running(
  options: Pick<ProcessorOptions, 'store' | 'projections' | 'subscriptions'>,
  until: (processor: ReturnType<typeof createProcessor>) => Promise<void>,
): Promise<number> {
  const processor = createProcessor({ bus: memoryBus(), aggregates: [], settings: { waitForMs: 60_000 }, ...options });
  const measured = await rate(async () => {
    await processor.start();
    await until(processor);
  });
  await processor.drain();
  return measured;
}

async function rate(task: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await task();
  return events / ((performance.now() - startedMs) / 1_000);
}

async function filled(store: Store): Promise<Store> {
  for (let first = 0; first < events; first += 1_000) {
    await store.events.append(
      Array.from({ length: 1_000 }, (_, n) => ({
        stream: { type: 'Account', id: `account-${((first + n) * 7_919) % streams}` },
        expected: 'any',
        events: [newEvent()],
      })),
    );
  }
  return store;
}
