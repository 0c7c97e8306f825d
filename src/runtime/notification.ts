import { failure } from '../kernel/errors.ts';
import type { CommandId, RecordedEvent } from '../kernel/message.ts';
import type { Channel, NotificationKind } from '../ports/channel.ts';
import { type Breaker, type BreakerState, createBreaker } from './breaker.ts';
import type { CommandRequest } from './command.ts';
import type { RuntimeContext } from './context.ts';
import type { NotificationDefinition, NotificationRequest, SubscriptionDefinition } from './define.ts';
import { derivedId } from './derived-id.ts';
import { createDelivery, type Route } from './notification-delivery.ts';

/** The name of the aggregate that each notification is. */
export const notificationType = 'Notification';

/** What turns events into notifications, and notifications into messages. */
export interface Notifications {
  /** `notifications` requests; `delivery.email` and `delivery.push` deliver, each waiting for its own channel alone. */
  readonly subscriptions: readonly SubscriptionDefinition[];
  /** By channel: `channel.smtp`. */
  breakers(): Readonly<Record<string, BreakerState>>;
  /** Closes the channels. Twice is fine. */
  close(): Promise<void>;
}

/** @param channels in order of preference: a notification leaves by the first that takes its kind. */
export function createNotifications(
  context: RuntimeContext,
  definitions: readonly NotificationDefinition[],
  channels: readonly Channel[],
): Notifications {
  const breakers = new Map<Channel, Breaker>(
    channels.map((channel) => [channel, createBreaker({ name: `channel.${channel.name}`, clock: context.clock })]),
  );
  const enrichers = new Map(definitions.flatMap(({ enrich = {} }) => Object.entries(enrich)));

  function routeOf(kind: NotificationKind): Route {
    const channel = channels.find(({ kinds }) => kinds.includes(kind));
    const breaker = channel && breakers.get(channel);
    return channel && breaker ? { channel, breaker } : undefined;
  }

  return {
    subscriptions:
      definitions.length === 0
        ? []
        : [
            requesting(context, definitions),
            createDelivery(context, 'email', routeOf('email'), enrichers),
            createDelivery(context, 'push', routeOf('push'), enrichers),
          ],
    breakers: () => Object.fromEntries([...breakers.values()].map(({ name, state }) => [name, state()])),
    async close() {
      for (const breaker of breakers.values()) breaker.stop();
      await Promise.all(channels.map((channel) => channel.close()));
    },
  };
}

/**
 * Appends a notification for each request. If the process dies between two of them, the event comes again: the
 * notifications' ids and command ids are derived, so those appended already are met and not made twice.
 */
function requesting(context: RuntimeContext, definitions: readonly NotificationDefinition[]): SubscriptionDefinition {
  return {
    name: 'notifications',
    on: [...new Set(definitions.map(({ on }) => on))],
    async handle(event) {
      const requests = definitions
        .filter(({ on }) => on === `${event.stream.type}.${event.type}`)
        .flatMap((definition) => definition.requests(event));
      await Promise.all(requests.map((request) => requested(context, event, request)));
    },
  };
}

async function requested(context: RuntimeContext, event: RecordedEvent, request: NotificationRequest): Promise<void> {
  const id = derivedId('notification', event.id, request.template);
  const command: CommandRequest = {
    stream: { type: notificationType, id },
    type: 'RequestNotification',
    data: { ...request, metadata: { ...request.metadata, eventId: event.id } },
    commandId: id as CommandId,
    correlationId: event.meta.correlationId,
    causationId: event.id,
    ...(event.meta.userId === undefined ? {} : { userId: event.meta.userId }),
    occurredAt: event.meta.occurredAt,
  };
  const result = await context.send(command);
  if (result.status === 'accepted' || result.code === 'ALREADY_REQUESTED') return;
  throw failure('HANDLER_FAILED', {
    expected: `a notification ${request.template} for ${event.type}`,
    found: result.because,
  });
}
