import assert from 'node:assert/strict';
import { memoryBus } from '../../adapters/buses/memory.ts';
import { failure } from '../../kernel/errors.ts';
import type { RecordedEvent, StreamId } from '../../kernel/message.ts';
import type { EventBus } from '../../ports/event-bus.ts';
import type { Store } from '../../ports/store.ts';
import { silentLogger, silentTelemetry } from '../../ports/telemetry.ts';
import type { ProjectionDefinition, SubscriptionDefinition } from '../../runtime/define.ts';
import { createEventPath, type EventPath } from '../../runtime/event-path.ts';
import { createQueryBus, type QueryBus } from '../../runtime/query-bus.ts';
import { defaultSettings, type ProcessorSettings } from '../../runtime/settings.ts';
import { createSimulatedClock, type SimulatedClock } from '../simulated-clock.ts';
import { collect, commit, newEvents } from '../store-fixtures.ts';
import { createLifeline, type Lifeline } from './lifeline.ts';

/** One log, one simulated time, and workers that come and go. */
export interface World {
  readonly clock: SimulatedClock;
  readonly store: Store;
  /** A worker, not started. Each has a process-local bus of its own unless one is given. */
  worker(options?: WorkerOptions): TestWorker;
  /** Appends so many events as one. */
  append(stream: StreamId, count?: number, type?: string): Promise<void>;
  /** Lets time pass until the condition holds. */
  until(condition: () => boolean | Promise<boolean>, what: string, withinMs?: number): Promise<void>;
  /** Lets time pass until the promise is settled. */
  passing<Result>(promise: Promise<Result>): Promise<Result>;
  /** Ends every worker that is alive. */
  end(): Promise<void>;
}

export interface WorkerOptions {
  readonly bus?: EventBus;
  readonly projections?: readonly ProjectionDefinition[];
  readonly subscriptions?: readonly SubscriptionDefinition[];
  readonly settings?: Partial<ProcessorSettings>;
}

export interface TestWorker extends EventPath {
  readonly queries: QueryBus;
  readonly life: Lifeline;
}

const stepMs = 50;

export function createWorld(store: Store): World {
  /** Time stands still while a store, which may be far away, is at work. */
  const calls = new Set<Promise<unknown>>();
  const clock = createSimulatedClock(undefined, () => (calls.size === 0 ? undefined : Promise.allSettled(calls)));
  const workers: TestWorker[] = [];

  function underWay<Result>(call: Promise<Result>): Promise<Result> {
    const ended = () => calls.delete(call);
    calls.add(call);
    call.then(ended, ended);
    return call;
  }

  async function until(condition: () => boolean | Promise<boolean>, what: string, withinMs = 60_000): Promise<void> {
    for (let elapsedMs = 0; !(await condition()); elapsedMs += stepMs) {
      assert(elapsedMs < withinMs, `Not within ${withinMs} ms: ${what}.`);
      await clock.advance(stepMs);
    }
  }

  return {
    clock,
    store,
    worker(options = {}) {
      const life = createLifeline(store, underWay);
      const queries = createQueryBus();
      const path = createEventPath(
        {
          workerId: `worker-${workers.length + 1}`,
          store: life.store,
          bus: mortal(options.bus ?? memoryBus({ clock }), life),
          clock,
          telemetry: silentTelemetry,
          logger: silentLogger,
          settings: { ...defaultSettings, ...options.settings },
          aggregates: new Map(),
          send: () => Promise.reject(failure('INTERNAL', { expected: 'no command' })),
        },
        {
          projections: options.projections ?? [],
          notifications: [],
          // What a dead worker's handler would still do is not done.
          subscriptions: (options.subscriptions ?? []).map((definition) => ({
            ...definition,
            handle: (event, tools) => (life.alive ? definition.handle(event, tools) : life.died),
          })),
          channels: [],
        },
        queries,
      );
      const worker = { ...path, queries, life };
      workers.push(worker);
      return worker;
    },
    async append(stream, count = 1, type = 'Happened') {
      await commit(store, stream, 'any', newEvents(count, type));
    },
    until,
    async passing(promise) {
      let settled = false;
      const settle = () => {
        settled = true;
      };
      promise.then(settle, settle);
      await until(() => settled, 'the promise is settled', 24 * 3_600_000);
      return promise;
    },
    async end() {
      for (const { life, stop } of workers) {
        if (!life.alive) continue;
        life.resume();
        await this.passing(stop());
      }
    },
  };
}

/** Runs a case in a world of its own, which is ended whatever the case did. */
export async function inWorld(store: Store, run: (world: World) => Promise<void>): Promise<void> {
  const world = createWorld(store);
  try {
    await run(world);
  } finally {
    await world.end();
  }
}

/** The bus as a broker is to one process: it notices when the process dies, and gives others what that held. */
function mortal(bus: EventBus, life: Lifeline): EventBus {
  return {
    ...bus,
    publish: (events) => (life.alive ? Promise.race([bus.publish(events), life.died]) : life.died),
    async subscribe(options, handle) {
      const consumer = await bus.subscribe(options, (event) => Promise.race([handle(event), life.died]));
      life.died.catch(() => consumer.close());
      return consumer;
    },
  };
}

/** A bus in memory that several workers share, as they share a broker. */
export function sharedBus(clock: SimulatedClock): EventBus {
  const bus = memoryBus({ clock });
  return { ...bus, features: { ...bus.features, crossProcess: true } };
}

/** Everything in the log. */
export const logOf = (store: Store): Promise<RecordedEvent[]> => collect(store.events.readAll());
