import type { Clock } from '../kernel/clock.ts';
import { systemClock } from '../kernel/clock.ts';
import type { Aggregate, LegalCommand } from '../kernel/decider.ts';
import { failure } from '../kernel/errors.ts';
import { freshId } from '../kernel/fresh-id.ts';
import type { Json, StreamId } from '../kernel/message.ts';
import type { Channel } from '../ports/channel.ts';
import type { EventBus } from '../ports/event-bus.ts';
import type { EventStore } from '../ports/event-store.ts';
import type { Store } from '../ports/store.ts';
import { type Logger, silentLogger, silentTelemetry, type Telemetry } from '../ports/telemetry.ts';
import { checkId } from './accept.ts';
import type { BreakerState } from './breaker.ts';
import type { CommandRequest, Send } from './command.ts';
import { type CommandBus, createCommandBus } from './command-bus.ts';
import { createCommandPath } from './command-path.ts';
import type { RuntimeContext } from './context.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { NotificationDefinition, ProjectionDefinition, SubscriptionDefinition } from './define.ts';
import { createEventPath, type EventCounts } from './event-path.ts';
import { checkHealth, type Health } from './health.ts';
import { createHousekeeping } from './housekeeping.ts';
import { listMachines, type MachineInfo } from './machine-list.ts';
import type { Projections } from './projections.ts';
import { createQueryBus, type QueryBus } from './query-bus.ts';
import { type Moment, readAggregate } from './read-aggregate.ts';
import type { Replays } from './replay.ts';
import { defaultSettings, type ProcessorSettings } from './settings.ts';
import { createWorker } from './worker.ts';

export interface ProcessorOptions {
  readonly store: Store;
  readonly bus: EventBus;
  /** In order of preference: a notification leaves by the first that takes its kind. */
  readonly channels?: readonly Channel[];
  readonly aggregates: readonly Aggregate[];
  readonly projections?: readonly ProjectionDefinition[];
  readonly notifications?: readonly NotificationDefinition[];
  readonly subscriptions?: readonly SubscriptionDefinition[];
  /** The projections and grouped subscriptions that run on this worker; others must run the rest. Default: all. */
  readonly only?: readonly string[] | undefined;
  readonly clock?: Clock;
  readonly telemetry?: Telemetry;
  readonly logger?: Logger;
  readonly settings?: Partial<ProcessorSettings>;
}

/** The façade: everything a caller may ask of the running system. */
export interface Processor {
  readonly send: Send;
  /** Asks a query, `users.get` say. @throws UNKNOWN_QUERY, READ_MODEL_BEHIND */
  query(type: string, input: unknown, options?: { readonly waitFor?: number }): Promise<unknown>;
  /** An aggregate as it is, or as it was at a version or a time; undefined when it has no events by then. */
  read(stream: StreamId, at?: Moment): Promise<AggregateView | undefined>;
  /** Adds a grouped subscription while running. */
  subscribe(definition: SubscriptionDefinition): Promise<void>;
  /** Starts relay, projections, subscriptions and notifications. Commands are taken from creation on. */
  start(): Promise<void>;
  /** Calls `stop` first when draining begins: for what lets commands in, such as the HTTP server. */
  onDrain(stop: () => Promise<void>): void;
  /**
   * Stops taking commands, finishes those taken, checkpoints, releases the leases, closes bus and store. Twice is fine.
   * @throws DRAINING when it took longer than `shutdownTimeoutMs`, and the first error of a step.
   */
  drain(): Promise<void>;

  readonly aggregates: ReadonlyMap<string, Aggregate>;
  readonly commands: CommandBus;
  readonly queries: QueryBus;
  readonly log: Pick<EventStore, 'readStream' | 'readAll' | 'streamHead' | 'head' | 'watch'>;
  readonly projections: Projections;
  readonly deadLetters: DeadLetters;
  readonly replays: Replays;
  /** Every machine, domain and runtime, for the diagrams. */
  machines(): readonly MachineInfo[];
  health(): Promise<Health>;
  metrics(): BusMetrics;
}

/** An aggregate for people. */
export interface AggregateView {
  readonly state: Json;
  readonly context: Json;
  readonly version: number;
  readonly status: 'active' | 'done';
  readonly commands: readonly LegalCommand[];
}

export interface BusMetrics extends EventCounts {
  readonly breakers: Readonly<Record<string, BreakerState>>;
}

/** Puts a worker together. Nothing runs until `start`, but commands are taken at once. @throws INVALID_DEFINITION, UNKNOWN_SUBSCRIPTION */
export function createProcessor(options: ProcessorOptions): Processor {
  const { store, bus, projections = [], notifications = [], subscriptions = [], channels = [] } = options;
  const aggregates = new Map(options.aggregates.map((aggregate) => [aggregate.name, aggregate]));
  const context: RuntimeContext = {
    workerId: freshId(),
    store,
    bus,
    clock: options.clock ?? systemClock,
    telemetry: options.telemetry ?? silentTelemetry,
    logger: options.logger ?? silentLogger,
    settings: { ...defaultSettings, ...options.settings },
    aggregates,
    send: (request) => commandPath.send(aggregateOf(request), request),
  };
  const commandPath = createCommandPath(context);
  const queries = createQueryBus();
  const parts = { projections, notifications, subscriptions, channels, only: options.only };
  const eventPath = createEventPath(context, parts, queries);
  const worker = createWorker(context, { commandPath, eventPath, housekeeping: createHousekeeping(context) });
  const commands = createCommandBus();
  for (const aggregate of aggregates.values()) {
    if (aggregate.definition.internal) continue;
    for (const type of Object.keys(aggregate.definition.schemas.commands)) {
      commands.register(`${aggregate.name}.${type}`, (request) => commandPath.send(aggregate, request));
    }
  }

  function aggregateOf({ stream }: Pick<CommandRequest, 'stream'>): Aggregate {
    const aggregate = aggregates.get(stream.type);
    if (aggregate !== undefined) return aggregate;
    const expected = `one of ${[...aggregates.keys()].join(', ')}`;
    throw failure('UNKNOWN_AGGREGATE_TYPE', { expected, found: stream.type });
  }

  const send = async (...given: Parameters<Send> | [CommandRequest]) => commands.execute(requestOf(given));

  const breakers = () => ({ store: commandPath.breaker.state(), ...eventPath.breakers() });
  // One line per state, as Prometheus wants what is one of several.
  context.telemetry.gauge('breaker_state', () =>
    Object.entries(breakers()).flatMap(([breaker, now]) =>
      (['closed', 'open', 'halfOpen'] as const).map((state) => ({
        labels: { breaker, state },
        value: state === now ? 1 : 0,
      })),
    ),
  );

  return {
    send: send as Send,
    query: async (type, input, { waitFor } = {}) =>
      queries.execute({ type, input, ...(waitFor === undefined ? {} : { waitFor }) }),
    async read(stream, at) {
      checkId('aggregate id', stream.id);
      const history = {
        events: store.events,
        snapshots: store.snapshots,
        snapshotEvery: context.settings.snapshotEvery,
      };
      return readAggregate(aggregateOf({ stream }), stream, history, at);
    },
    subscribe: (definition) => eventPath.subscribe(definition),
    start: worker.start,
    onDrain: worker.onDrain,
    drain: worker.drain,
    aggregates,
    commands,
    queries,
    log: store.events,
    projections: eventPath.projections,
    deadLetters: eventPath.deadLetters,
    replays: eventPath.replays,
    machines: () => listMachines(aggregates.values()),
    health: () => checkHealth(context, async () => ({ ...(await eventPath.health()), ...commandPath.health() })),
    metrics: () => ({ ...eventPath.counts(), breakers: breakers() }),
  };
}

function requestOf(given: readonly unknown[]): CommandRequest {
  const [first, id, type, data, more] = given as [
    { readonly name: string },
    string,
    string,
    unknown,
    object | undefined,
  ];
  if (given.length === 1) return first as unknown as CommandRequest;
  return { stream: { type: first.name, id }, type, data, ...more };
}
