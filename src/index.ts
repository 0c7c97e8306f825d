export type { Mail } from './adapters/channels/smtp.ts';
export {
  type BusSettings,
  type ChannelSettings,
  openBus,
  openChannels,
  openStore,
  type StoreSettings,
} from './adapters/registry.ts';
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
