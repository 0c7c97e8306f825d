import { type Static, Type } from 'typebox';
import { aggregate } from '../src/kernel/aggregate.ts';
import { Nothing, Text, Time, Values } from './schemas.ts';

const Request = Type.Object({
  type: Type.Union([Type.Literal('email'), Type.Literal('push')]),
  to: Text,
  template: Text,
  data: Values,
  metadata: Type.Object({ eventId: Text, userId: Type.Optional(Text), orderId: Type.Optional(Text) }),
});

const Reason = Type.String({ minLength: 1, maxLength: 4000 });
const Attempts = Type.Integer({ minimum: 0 });

const nobody: Static<typeof Request> = { type: 'email', to: '', template: '', data: {}, metadata: { eventId: '' } };

const { emits, refuse, moves, on, define } = aggregate('Notification', {
  commands: {
    RequestNotification: Request,
    StartDelivery: Nothing,
    CompleteDelivery: Nothing,
    FailDelivery: Type.Object({ reason: Reason }),
  },
  events: {
    NotificationRequested: Request,
    DeliveryStarted: Type.Object({ attempt: Attempts }),
    NotificationDelivered: Type.Object({ deliveredAt: Time, attempts: Attempts }),
    NotificationFailed: Type.Object({ reason: Reason, failedAt: Time, attempts: Attempts }),
  },
  context: { ...nobody, requestedAt: '', attempts: 0 },
  internal: true,
});

const requested = refuse('ALREADY_REQUESTED', 'The notification is requested already.');
const delivered = refuse('ALREADY_DELIVERED', 'The notification is delivered already.');
const failed = refuse('ALREADY_FAILED', 'The notification was given up already.');

const startsAndFails = on({
  RequestNotification: requested,
  StartDelivery: emits('DeliveryStarted', ({ context }) => ({ attempt: context.attempts + 1 })),
  DeliveryStarted: moves('started', ({ data }) => ({ attempts: data.attempt })),
  FailDelivery: emits('NotificationFailed', ({ context, data, meta }) => ({
    ...data,
    failedAt: meta.occurredAt,
    attempts: context.attempts,
  })),
  NotificationFailed: moves('failed'),
});

/** A message to a person on its way through a channel. One that was started may be started again: its worker may be
 * gone. */
export const notification = define({
  initial: 'absent',
  states: {
    absent: {
      on: {
        RequestNotification: emits('NotificationRequested', ({ data }) => data),
        NotificationRequested: moves('requested', ({ data, meta }) => ({ ...data, requestedAt: meta.occurredAt })),
      },
    },
    requested: {
      on: {
        ...startsAndFails,
        CompleteDelivery: refuse('NOT_STARTED', 'The delivery was not started.'),
      },
    },
    started: {
      on: {
        ...startsAndFails,
        CompleteDelivery: emits('NotificationDelivered', ({ context, meta }) => ({
          deliveredAt: meta.occurredAt,
          attempts: context.attempts,
        })),
        NotificationDelivered: moves('delivered'),
      },
    },
    delivered: {
      type: 'final',
      on: {
        RequestNotification: requested,
        StartDelivery: delivered,
        CompleteDelivery: delivered,
        FailDelivery: delivered,
      },
    },
    failed: {
      type: 'final',
      on: { RequestNotification: requested, StartDelivery: failed, CompleteDelivery: failed, FailDelivery: failed },
    },
  },
});
