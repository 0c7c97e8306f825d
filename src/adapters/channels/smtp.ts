import { createTransport } from 'nodemailer';
import { failure } from '../../kernel/errors.ts';
import type { Channel, ChannelMessage } from '../../ports/channel.ts';

export interface SmtpChannelOptions {
  /** `smtp://user:password@host:port`, or `smtps://` for TLS from the first byte. STARTTLS is used when offered. */
  readonly url: string;
  /** The sender's address. */
  readonly from: string;
  /** Pure: the mail of a message. A throw means that there is none, so the message is rejected. */
  readonly render: (message: ChannelMessage) => Mail;
  /** For the connection, the greeting and each answer. Default 10,000. */
  readonly timeoutMs?: number;
  /** Connections at once. Default 4. */
  readonly maxConnections?: number;
}

/** What a person reads. */
export interface Mail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** Sends emails by SMTP; the Message-ID is made of the message's id, so that a repeat can be told. */
export function smtpChannel(options: SmtpChannelOptions): Channel {
  const { url, from, render, timeoutMs = 10_000, maxConnections = 4 } = options;
  const transport = createTransport({
    url,
    pool: true,
    maxConnections,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    dnsTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  // A pooled connection that breaks while idle tells it here; the next message opens another.
  transport.on('error', () => {});
  const domain = from.slice(from.lastIndexOf('@') + 1);
  const sending = new Set<Promise<unknown>>();
  let closed = false;

  async function send(message: ChannelMessage): Promise<void> {
    if (!plainAddress.test(message.to)) {
      throw failure('CHANNEL_REJECTED', { expected: 'one plain email address', found: JSON.stringify(message.to) });
    }
    const { subject, text, html } = rendered(render, message);
    try {
      await transport.sendMail({
        from: { name: '', address: from },
        to: { name: '', address: message.to },
        envelope: { from, to: [message.to] },
        messageId: `<${message.id}@${domain}>`,
        date: new Date(message.requestedAt),
        subject: subject.replace(/\s+/g, ' '),
        text,
        html,
      });
    } catch (error) {
      throw told(error);
    }
  }

  return {
    name: 'smtp',
    kinds: ['email'],
    async deliver(message) {
      if (closed) throw failure('CHANNEL_UNAVAILABLE', { found: 'a closed channel' });
      const sent = send(message);
      sending.add(sent);
      try {
        await sent;
      } finally {
        sending.delete(sent);
      }
    },
    async close() {
      closed = true;
      await Promise.allSettled(sending);
      transport.close();
    },
  };
}

/** No list, no name, no quotes, no control character: what could add a recipient or a header is no address here. */
const plainAddress = /^[^\s\p{Cc}<>()[\]{},;:"\\@]+@[^\s\p{Cc}<>()[\]{},;:"\\@]+$/u;

function rendered(render: SmtpChannelOptions['render'], message: ChannelMessage): Mail {
  try {
    return render(message);
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    throw failure('CHANNEL_REJECTED', { expected: `a mail for ${message.template}`, found, cause: error });
  }
}

interface SmtpError extends Error {
  readonly code?: string;
  readonly command?: string;
  readonly responseCode?: number;
}

/**
 * Only a 5xx about this recipient or this text is for good. A 5xx to the greeting, the login or the sender would meet
 * every message alike: that is an outage to wait for, not thousands of dead letters (RFC 5321, 4.2.1).
 */
function told(error: unknown) {
  const { code, command, responseCode = 0, message } = error as SmtpError;
  const aboutTheMessage = command === 'RCPT TO' || command === 'DATA';
  const lasting = responseCode >= 500 && responseCode !== 503 && responseCode !== 530 && aboutTheMessage;
  const found = command === undefined ? message : `${message} (to ${command})`;
  return failure(lasting ? 'CHANNEL_REJECTED' : 'CHANNEL_UNAVAILABLE', {
    found,
    details: {
      channel: 'smtp',
      ...(code === undefined ? {} : { reason: code }),
      ...(responseCode ? { responseCode } : {}),
    },
    cause: error,
  });
}
