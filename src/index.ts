export type { Mail } from './adapters/channels/smtp.ts';
export {
  type BusSettings,
  type ChannelSettings,
  openBus,
  openChannels,
  openStore,
  type StoreSettings,
} from './adapters/registry.ts';
export {
  type PrometheusOptions,
  type PrometheusTelemetry,
  prometheusTelemetry,
} from './adapters/telemetry/prometheus.ts';
export type { Authenticate, Principal } from './http/auth.ts';
export { type CommandRouteOptions, commandRoute } from './http/command-route.ts';
export { createProbes } from './http/probes.ts';
export type { Routes } from './http/routes.ts';
export { CommandAccepted, commandReply, Envelope, type HttpCommand, sendCommand } from './http/send-command.ts';
export { createServer, type ServerOptions } from './http/server.ts';
export { WaitFor } from './http/wait-for.ts';
export { aggregate } from './kernel/aggregate.ts';
export { type Clock, systemClock } from './kernel/clock.ts';
export type { AggregateDefinition, CommandsOf, ContextOf, EventsOf } from './kernel/definition.ts';
export { type ErrorCode, failure, isFailure, type StatewrightError } from './kernel/errors.ts';
export type {
  Command,
  CommandId,
  DomainEvent,
  EventId,
  Json,
  Metadata,
  RecordedEvent,
  Refused,
  StreamId,
} from './kernel/message.ts';
export type { Channel, ChannelMessage, NotificationKind } from './ports/channel.ts';
export type { EventBus } from './ports/event-bus.ts';
export type { Store } from './ports/store.ts';
export { type Logger, silentLogger, silentTelemetry, type Telemetry } from './ports/telemetry.ts';
export {
  defineAggregate,
  defineNotification,
  defineProjection,
  defineSubscription,
  type HandlerTools,
  type NotificationDefinition,
  type NotificationRequest,
  type ProjectionDefinition,
  type SubscriptionDefinition,
} from './runtime/define.ts';
export { createProcessor, type Processor, type ProcessorOptions } from './runtime/processor.ts';
export type { RowsAnswer } from './runtime/read-model-queries.ts';
export type { ProcessorSettings } from './runtime/settings.ts';
