import { defineNotification, type EventsOf, type NotificationDefinition, type RecordedEvent } from 'statewright';
import type { order } from '../../machines/order.machine.ts';
import type { user } from '../../machines/user.machine.ts';
import type { Tokens } from './tokens.ts';

type Users = EventsOf<typeof user>;
type Orders = EventsOf<typeof order>;

export interface NotificationSettings {
  /** Without a slash at the end. */
  readonly frontendUrl: string;
  readonly tokens: Tokens;
}

/** Who is told what, and when: the table of SPEC §1. */
export function notifications({ frontendUrl, tokens }: NotificationSettings): readonly NotificationDefinition[] {
  return [
    defineNotification({
      on: 'User.UserCreated',
      requests: ({ stream, data }) => {
        const { email, firstName } = data as Users['UserCreated'];
        return [
          {
            type: 'email',
            to: email.trim(),
            template: 'welcome',
            data: { firstName },
            metadata: { userId: stream.id },
          },
        ];
      },
      enrich: {
        async welcome({ to, metadata }) {
          const token = await tokens.sign({ purpose: 'verify-email', userId: String(metadata.userId), email: to });
          return { verificationUrl: `${frontendUrl}/verify-email?token=${token}` };
        },
      },
    }),
    defineNotification({
      on: 'User.EmailVerified',
      requests: ({ stream, data }) => [
        {
          type: 'email',
          to: (data as Users['EmailVerified']).email.trim(),
          template: 'email-verified',
          data: { dashboardUrl: `${frontendUrl}/dashboard` },
          metadata: { userId: stream.id },
        },
      ],
    }),
    defineNotification({
      on: 'Order.OrderCompleted',
      requests: (event) => {
        const { customerEmail, orderNumber, total, items, userId } = event.data as Orders['OrderCompleted'];
        const trackingUrl = `${frontendUrl}/orders/${encodeURIComponent(orderNumber)}/track`;
        return [
          {
            type: 'email',
            to: customerEmail.trim(),
            template: 'order-confirmation',
            data: { orderNumber, total, items, trackingUrl },
            metadata: about(event, userId),
          },
        ];
      },
    }),
    defineNotification({
      on: 'Order.OrderShipped',
      requests: (event) => {
        const { customerEmail, orderNumber, userId, trackingNumber, estimatedDelivery, trackingUrl } =
          event.data as Orders['OrderShipped'];
        const metadata = about(event, userId);
        const title = 'Your order is on its way';
        const body = `Order ${orderNumber} was shipped; it is expected ${estimatedDelivery}.`;
        return [
          {
            type: 'email',
            to: customerEmail.trim(),
            template: 'order-shipped',
            data: { orderNumber, trackingNumber, estimatedDelivery, trackingUrl },
            metadata,
          },
          { type: 'push', to: userId, template: 'order-shipped-push', data: { title, body, orderNumber }, metadata },
        ];
      },
    }),
  ];
}

const about = ({ stream }: RecordedEvent, userId: string) => ({ userId, orderId: stream.id });
