import { sleep } from '../kernel/clock.ts';
import type { Channel } from '../ports/channel.ts';
import type { BreakerState } from './breaker.ts';
import type { RuntimeContext } from './context.ts';
import { createCountBook, type DeliveryCounts } from './counts.ts';
import { createDeadLetters, type DeadLetters } from './dead-letters.ts';
import type { NotificationDefinition, ProjectionDefinition, SubscriptionDefinition } from './define.ts';
import type { Health, PartHealth } from './health.ts';
import { createNotifications } from './notification.ts';
import { createProjections, type ProjectionStatus, type Projections } from './projections.ts';
import type { QueryBus } from './query-bus.ts';
import { registerQueries } from './read-model-queries.ts';
import { createRelay, type RelayStatus } from './relay.ts';
import { createReplays, type Replays } from './replay.ts';
import { createRetention } from './retention.ts';
import { oneOfThese } from './runs-here.ts';
import { createSubscriptions } from './subscriptions.ts';

/** Everything that follows the log: relay, projections, subscriptions, notifications, retention. */
export interface EventPath {
  /** Waits a moment for the bus; one that does not answer then is joined when it does. */
  start(): Promise<void>;
  /** Takes no more, finishes what is in handlers, checkpoints, gives the leases up. Twice is fine. */
  stop(): Promise<void>;
  subscribe(definition: SubscriptionDefinition): Promise<void>;
  readonly projections: Projections;
  readonly deadLetters: DeadLetters;
  readonly replays: Replays;
  health(): Promise<Health['parts']>;
  counts(): EventCounts;
  breakers(): Readonly<Record<string, BreakerState>>;
}

/** What happened on the way, in total and apart. */
export interface EventCounts extends DeliveryCounts {
  readonly byEventType: Readonly<Record<string, DeliveryCounts>>;
  readonly bySubscription: Readonly<Record<string, DeliveryCounts>>;
}

export interface EventPathParts {
  readonly projections: readonly ProjectionDefinition[];
  readonly notifications: readonly NotificationDefinition[];
  readonly subscriptions: readonly SubscriptionDefinition[];
  readonly channels: readonly Channel[];
  /** The names of what runs on this worker. Default: all. */
  readonly only?: readonly string[] | undefined;
}

/** @throws INVALID_DEFINITION, UNKNOWN_SUBSCRIPTION, INVALID_CONFIGURATION */
export function createEventPath(context: RuntimeContext, parts: EventPathParts, queries: QueryBus): EventPath {
  const counts = createCountBook();
  const relay = createRelay(context, counts);
  const notifications = createNotifications(context, parts.notifications, parts.channels);
  const grouped = [...parts.subscriptions, ...notifications.subscriptions];
  const runsHere = oneOfThese(parts.only, { projections: parts.projections, grouped, bus: context.bus });
  const projections = createProjections(context, parts.projections, runsHere);
  registerQueries(queries, context.store.readModels, parts.projections, projections);
  const subscriptions = createSubscriptions(context, relay, counts, grouped, runsHere);
  const deadLetters = createDeadLetters(context, subscriptions);
  const replays = createReplays(context, subscriptions);
  const retention = createRetention(context, {
    projections: () => parts.projections.map(({ name }) => name),
    subscriptions: subscriptions.names,
  });

  return {
    async start() {
      projections.start();
      // The relay publishes better when all have joined; but a broker that does not answer must hold up no commands.
      const joined = new AbortController();
      await Promise.race([
        subscriptions.start().finally(() => joined.abort()),
        sleep(context.clock, joiningMs, joined.signal),
      ]);
      relay.start();
      retention.start();
    },
    async stop() {
      await Promise.all([replays.stop(), retention.stop(), subscriptions.stop(), projections.stop()]);
      await relay.stop();
      await notifications.close();
    },
    subscribe: (definition) => subscriptions.add(definition),
    projections,
    deadLetters,
    replays,
    async health() {
      const parked = await context.store.cursors.countParked().catch(() => new Map<string, number>());
      const read = await projections.list().catch(() => []);
      return {
        relay: relayHealth(relay.status()),
        ...Object.fromEntries(read.map((status) => [`projection.${status.name}`, projectionHealth(status)])),
        ...Object.fromEntries(
          subscriptions
            .status()
            .map(({ name, breaker }) => [`subscription.${name}`, subscriptionHealth(breaker, parked.get(name) ?? 0)]),
        ),
        ...Object.fromEntries(
          Object.entries(notifications.breakers()).map(([name, state]) => [name, breakerHealth(state)]),
        ),
      };
    },
    counts: () => ({ ...counts.total(), byEventType: counts.byEventType(), bySubscription: counts.bySubscription() }),
    breakers: () => ({
      bus: relay.status().breaker,
      ...Object.fromEntries(
        Object.entries(subscriptions.breakers()).map(([name, state]) => [`subscription.${name}`, state]),
      ),
      ...notifications.breakers(),
    }),
  };
}

const joiningMs = 5_000;

function relayHealth({ breaker, error }: RelayStatus): PartHealth {
  if (breaker !== 'closed') return breakerHealth(breaker);
  return error === undefined ? { status: 'up' } : { status: 'degraded', detail: error };
}

function projectionHealth({ state, faultyRows, error }: ProjectionStatus): PartHealth {
  if (state === 'stopped' || state === 'faulty') return { status: 'degraded', detail: error ?? state };
  return faultyRows > 0 ? { status: 'degraded', detail: `${faultyRows} faulty rows` } : { status: 'up' };
}

function subscriptionHealth(breaker: BreakerState, parked: number): PartHealth {
  if (breaker !== 'closed') return breakerHealth(breaker);
  return parked > 0 ? { status: 'degraded', detail: `${parked} parked streams` } : { status: 'up' };
}

function breakerHealth(state: BreakerState): PartHealth {
  return state === 'closed' ? { status: 'up' } : { status: 'degraded', detail: `the circuit breaker is ${state}` };
}
