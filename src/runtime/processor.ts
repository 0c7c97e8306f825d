import type { AnyStateMachine } from 'xstate';
import type { Clock } from '../kernel/clock.ts';
import type { Aggregate, LegalCommand } from '../kernel/decider.ts';
import type { Json, StreamId } from '../kernel/message.ts';
import type { Channel } from '../ports/channel.ts';
import type { EventBus } from '../ports/event-bus.ts';
import type { EventStore } from '../ports/event-store.ts';
import type { Store } from '../ports/store.ts';
import type { Logger, Telemetry } from '../ports/telemetry.ts';
import type { CommandRequest, CommandResult } from './command.ts';
import type { CommandBus } from './command-bus.ts';
import type { DeliveryCounts } from './counts.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { NotificationDefinition, ProjectionDefinition, SubscriptionDefinition } from './define.ts';
import type { Projections } from './projections.ts';
import type { QueryBus } from './query-bus.ts';
import type { Replays } from './replay.ts';
import type { ProcessorSettings } from './settings.ts';

export interface ProcessorOptions {
  readonly store: Store;
  readonly bus: EventBus;
  readonly channels?: readonly Channel[];
  readonly aggregates: readonly Aggregate[];
  readonly projections?: readonly ProjectionDefinition[];
  readonly notifications?: readonly NotificationDefinition[];
  readonly subscriptions?: readonly SubscriptionDefinition[];
  readonly clock?: Clock;
  readonly telemetry?: Telemetry;
  readonly logger?: Logger;
  readonly settings?: Partial<ProcessorSettings>;
}

/** The façade: everything a caller may ask of the running system. */
export interface Processor {
  /** Sends a command. A refusal is a result. @throws MAILBOX_FULL, STORE_UNAVAILABLE, VERSION_CONFLICT, … */
  send(command: CommandRequest): Promise<CommandResult>;
  /** Asks a query, `users.get` say. @throws UNKNOWN_QUERY, READ_MODEL_BEHIND */
  query(type: string, input: unknown, options?: { readonly waitFor?: number }): Promise<unknown>;
  /** An aggregate as it is, or as it was at a version or a time; undefined when it has no events by then. */
  read(
    stream: StreamId,
    at?: { readonly version: number } | { readonly time: string },
  ): Promise<AggregateView | undefined>;
  /** Adds a grouped subscription while running. */
  subscribe(definition: SubscriptionDefinition): Promise<void>;
  /** Starts relay, projections, subscriptions and notifications. Commands are taken from creation on. */
  start(): Promise<void>;
  /** Stops taking commands, finishes those taken, checkpoints, releases the leases, closes bus and store. Twice is fine. */
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
  metrics(): Promise<BusMetrics>;
}

export interface AggregateView {
  readonly state: Json;
  readonly context: Json;
  readonly version: number;
  readonly status: 'active' | 'done';
  readonly commands: readonly LegalCommand[];
}

export interface MachineInfo {
  readonly name: string;
  readonly kind: 'domain' | 'runtime';
  readonly machine: AnyStateMachine;
}

export interface PartHealth {
  readonly status: 'up' | 'degraded' | 'down';
  readonly detail?: string;
}

export interface Health {
  /** The worst of its parts. */
  readonly status: 'up' | 'degraded' | 'down';
  readonly eventStore: PartHealth & { readonly provider: string };
  readonly eventBus: PartHealth & { readonly provider: string };
  /** Each projection, subscription, channel breaker, and quarantined aggregates. */
  readonly parts: Readonly<Record<string, PartHealth>>;
}

export interface BusMetrics extends DeliveryCounts {
  readonly byEventType: Readonly<Record<string, DeliveryCounts>>;
  readonly bySubscription: Readonly<Record<string, DeliveryCounts>>;
  readonly breakers: Readonly<Record<string, 'closed' | 'open' | 'halfOpen'>>;
}
