import { setTimeout as delay } from 'node:timers/promises';
import { openBus } from '../../src/adapters/registry.ts';
import { memoryStore } from '../../src/adapters/stores/memory/memory.ts';
import { loadConfig } from '../../src/config.ts';
import type { RecordedEvent } from '../../src/kernel/message.ts';
import type { EventBus } from '../../src/ports/event-bus.ts';
import type { Store } from '../../src/ports/store.ts';
import { createProcessor } from '../../src/runtime/processor.ts';
import { newEvent } from '../../src/testing/store-fixtures.ts';
import { environmentOf, serverBuses } from '../servers/providers.ts';
import { rawKafka } from './raw-buses/kafka.ts';
import { type Carried, type RawBus, rawMessages, rawMessagesPerSecond, rawText, warmUp } from './raw-buses/load.ts';
import { rawNats } from './raw-buses/nats.ts';
import { rawRabbitmq } from './raw-buses/rabbitmq.ts';
import { rawRedis } from './raw-buses/redis.ts';
import type { Report } from './report.ts';

const raws: Readonly<Record<(typeof serverBuses)[number]['name'], RawBus>> = {
  redis: rawRedis,
  rabbitmq: rawRabbitmq,
  nats: rawNats,
  kafka: rawKafka,
};
const streams = 2_000;

/** Each bus on a real broker of its own, beside its client alone; `only` those whose name has this in it. */
export async function busBenches(report: Report, only = ''): Promise<void> {
  for (const provider of serverBuses.filter(({ name }) => name.includes(only))) {
    const runs: { readonly data: number; readonly messages: number; readonly ours: number }[] = [];
    for (let run = 0; run < 3; run += 1) {
      const raw = async (carried: Carried) => {
        const own = await provider.start();
        try {
          return await rawMessagesPerSecond(raws[provider.name], own.url, carried);
        } finally {
          await own.remove();
        }
      };
      const [data, messages] = [await raw('data'), await raw('message')];
      const broker = await provider.start();
      try {
        runs.push({ data, messages, ours: await eventsPerSecond(await busOn(provider, broker.url)) });
      } finally {
        await broker.remove();
      }
    }
    const middle = runs.sort((a, b) => a.ours / a.messages - b.ours / b.messages)[1];
    if (middle === undefined) continue;
    const name = `events of 1 kB from the relay over ${provider.name} to a grouped subscription`;
    const measured = { name, value: middle.ours, unit: '/s' };
    report({
      ...measured,
      baseline: { name: 'its client alone with the same messages at', value: middle.messages },
      goal: { atLeast: 0.5 },
    });
    report({ ...measured, baseline: { name: 'its client alone with nothing but 1 kB at', value: middle.data } });
    const broker = await provider.start();
    try {
      const latencies = await latenciesMs(await busOn(provider, broker.url));
      for (const [name, part] of [
        ['p50', 0.5],
        ['p99', 0.99],
      ] as const) {
        const value = latencies[Math.floor(latencies.length * part)] ?? Number.NaN;
        report({ name: `from append to handler over ${provider.name} at 1,000 events/s, ${name}`, value, unit: 'ms' });
      }
    } finally {
      await broker.remove();
    }
  }
}

function busOn(provider: (typeof serverBuses)[number], address: string): Promise<EventBus> {
  return openBus(
    loadConfig({ environment: environmentOf({ bus: { provider, address }, namespace: 'bench' }), file: '' }).bus,
  );
}

/** From the relay's first event to the last one handled; the log is in memory, so that it costs little. */
async function eventsPerSecond(bus: EventBus): Promise<number> {
  const store = memoryStore();
  await append(store, warmUp);
  let handled = 0;
  let wanted = { at: warmUp, ...Promise.withResolvers<void>() };
  const processor = counting(store, bus, async () => {
    handled += 1;
    if (handled === wanted.at) wanted.resolve();
  });
  await processor.start();
  await wanted.promise;
  wanted = { at: warmUp + rawMessages, ...Promise.withResolvers<void>() };
  const startedMs = performance.now();
  for (let sent = 0; sent < rawMessages; sent += 1_000) await append(store, 1_000);
  await wanted.promise;
  const seconds = (performance.now() - startedMs) / 1_000;
  await processor.drain();
  return rawMessages / seconds;
}

/** Of 10,000 events, a hundred every tenth of a second; sorted. */
async function latenciesMs(bus: EventBus): Promise<readonly number[]> {
  const store = memoryStore();
  const latencies: number[] = [];
  const processor = counting(store, bus, async ({ data }) => {
    latencies.push(performance.now() - (data as { readonly at: number }).at);
  });
  await processor.start();
  await delay(2_000);
  const every = 10;
  for (let round = 0; round < 1_000; round += 1) {
    const due = delay(every);
    await append(store, every);
    await due;
  }
  await delay(2_000);
  await processor.drain();
  return latencies.sort((a, b) => a - b);
}

function counting(store: Store, bus: EventBus, handle: (event: RecordedEvent) => Promise<void>) {
  return createProcessor({
    store,
    bus,
    aggregates: [],
    subscriptions: [{ name: 'counter', on: ['Account.*'], handle }],
  });
}

let appended = 0;
/** Appends so many, each to another stream in turn. */
async function append(store: Store, count: number): Promise<void> {
  await store.events.append(
    Array.from({ length: count }, () => ({
      stream: { type: 'Account', id: `account-${(appended++ * 7) % streams}` },
      expected: 'any',
      events: [newEvent('Happened', { text: rawText, at: performance.now() })],
    })),
  );
}
