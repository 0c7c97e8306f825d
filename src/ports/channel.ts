import type { Json } from '../kernel/message.ts';

/** How a notification leaves. */
export interface Channel {
  /** Such as `smtp`. */
  readonly name: string;
  /** The kinds of notification it takes. */
  readonly kinds: readonly NotificationKind[];
  /**
   * Resolves when the other side has taken the message. Giving the same id twice is allowed to reach the person once.
   * @throws CHANNEL_UNAVAILABLE when it may work later (time-out, refused connection, 4xx of SMTP, 5xx of HTTP, 429).
   * @throws CHANNEL_REJECTED when it never will (unknown address, 4xx of HTTP).
   */
  deliver(message: ChannelMessage): Promise<void>;
  close(): Promise<void>;
}

export type NotificationKind = 'email' | 'push';

export interface ChannelMessage {
  /** The notification's id: idempotency key, Message-ID, webhook-id. */
  readonly id: string;
  readonly kind: NotificationKind;
  /** An email address, or a user's id for a push. */
  readonly to: string;
  /** Such as `welcome`. */
  readonly template: string;
  readonly data: { readonly [key: string]: Json };
  /** What caused it: eventId, userId, orderId. */
  readonly metadata: { readonly [key: string]: Json };
  /** ISO 8601. */
  readonly requestedAt: string;
}
