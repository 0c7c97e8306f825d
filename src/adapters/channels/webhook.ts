import { Webhook } from 'standardwebhooks';
import { asFailure, failure, isFailure } from '../../kernel/errors.ts';
import type { Channel, ChannelMessage, NotificationKind } from '../../ports/channel.ts';

export interface WebhookChannelOptions {
  /** An `http:` or `https:` address. */
  readonly url: string;
  /** `whsec_` and the key in base64, as Standard Webhooks says. */
  readonly secret: string;
  /** Default: all kinds. */
  readonly kinds?: readonly NotificationKind[];
  /** For the whole exchange. Default 10,000. */
  readonly timeoutMs?: number;
}

/**
 * Posts each message, signed as Standard Webhooks says (https://www.standardwebhooks.com); `webhook-id` is the
 * message's id, the receiver's key against repeats. Redirects are not followed: a signed body goes to the address
 * configured or nowhere.
 */
export function webhookChannel(options: WebhookChannelOptions): Channel {
  const { url, secret, kinds = ['email', 'push'], timeoutMs = 10_000 } = options;
  const webhook = new Webhook(secret);
  const posting = new Set<Promise<void>>();
  let closed = false;

  async function post(message: ChannelMessage): Promise<void> {
    const body = JSON.stringify({
      type: `${message.kind}.${message.template}`,
      timestamp: message.requestedAt,
      data: message,
    });
    const now = new Date();
    const headers = {
      'content-type': 'application/json',
      'webhook-id': message.id,
      'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
      'webhook-signature': webhook.sign(message.id, now, body),
    };
    try {
      const signal = AbortSignal.timeout(timeoutMs);
      const response = await fetch(url, { method: 'POST', body, headers, signal, redirect: 'manual' });
      if (response.ok) await response.body?.cancel();
      else throw told(response.status, await beginning(response));
    } catch (error) {
      if (isFailure(error)) throw error;
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      throw asFailure(cause, 'CHANNEL_UNAVAILABLE', { details: { channel: 'webhook' } });
    }
  }

  return {
    name: 'webhook',
    kinds,
    async deliver(message) {
      if (closed) throw failure('CHANNEL_UNAVAILABLE', { found: 'a closed channel' });
      const posted = post(message);
      posting.add(posted);
      try {
        await posted;
      } finally {
        posting.delete(posted);
      }
    },
    async close() {
      closed = true;
      await Promise.allSettled(posting);
    },
  };
}

/** A 4xx is about this message, except those that ask for another try; all else is the other side's trouble. */
function told(status: number, body: string) {
  const lasting = status >= 400 && status < 500 && ![408, 425, 429].includes(status);
  return failure(lasting ? 'CHANNEL_REJECTED' : 'CHANNEL_UNAVAILABLE', {
    expected: 'a 2xx answer',
    found: body === '' ? `${status}` : `${status} ${body}`,
    details: { channel: 'webhook', status },
  });
}

/** The first chunk's first 200 characters, so that a long answer is not read. */
async function beginning(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const chunk = await reader?.read();
  await reader?.cancel();
  return Buffer.from(chunk?.value ?? [])
    .toString('utf8')
    .slice(0, 200)
    .trim();
}
