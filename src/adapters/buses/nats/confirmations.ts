import { createInbox, ErrorCode, type Msg, type MsgHdrs, type NatsConnection, NatsError } from 'nats';
import type { Clock } from '../../../kernel/clock.ts';
import { confirmTimeoutMs } from './connection.ts';

/** What to store under a subject. */
export interface Publication {
  readonly subject: string;
  readonly headers: MsgHdrs;
  readonly data: Uint8Array;
}

/** Why the server did not store one of them; the first of all. */
export interface Rejection {
  readonly at: number;
  readonly error: NatsError;
}

/**
 * Publishes to JetStream over one connection, and hears what it answers. One subscription takes all answers: a request of
 * the driver's for each message, with a timer and promises, cost a fifth of the throughput.
 */
export interface Confirmations {
  /**
   * Sends all of them, in order. Resolves when the server has answered each; with a rejection when one was not stored.
   * @throws NatsError when an answer does not come: the connection is closed, may not publish, or is too slow
   */
  publish(messages: readonly Publication[]): Promise<Rejection | undefined>;
}

interface Window {
  due: number;
  rejection: Rejection | undefined;
  resolve(): void;
  reject(error: unknown): void;
}

/** @param connection one that does not come back by itself: an answer that was lost with it would be waited for in vain. */
export function createConfirmations(connection: NatsConnection, clock: Clock): Confirmations {
  const inbox = createInbox();
  /** By the number in the last token of the subject that the answer goes to. */
  const pending = new Map<number, { readonly at: number; readonly window: Window }>();
  const windows = new Set<Window>();
  let next = 0;

  connection.subscribe(`${inbox}.*`, {
    callback(error, message) {
      if (error !== null) return failAll(error);
      const number = Number(message.subject.slice(inbox.length + 1));
      const { at, window } = pending.get(number) ?? {};
      if (at === undefined || window === undefined) return;
      pending.delete(number);
      const refusal = refusalIn(message);
      if (refusal !== undefined && at < (window.rejection?.at ?? Number.POSITIVE_INFINITY))
        window.rejection = { at, error: refusal };
      window.due -= 1;
      if (window.due === 0) window.resolve();
    },
  });
  connection.closed().then((error) => failAll(error ?? NatsError.errorForCode(ErrorCode.ConnectionClosed)));
  watchPermissions();

  /** The server tells of a subject that it does not let us publish to, but not in an answer. */
  async function watchPermissions(): Promise<void> {
    for await (const { data } of connection.status())
      if (data === ErrorCode.PermissionsViolation) failAll(NatsError.errorForCode(ErrorCode.PermissionsViolation));
  }

  function failAll(error: unknown): void {
    for (const window of windows) window.reject(error);
  }

  return {
    async publish(messages) {
      if (messages.length === 0) return undefined;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const window: Window = { due: messages.length, rejection: undefined, resolve, reject };
      windows.add(window);
      const first = next;
      next += messages.length;
      const timer = clock.setTimeout(() => reject(NatsError.errorForCode(ErrorCode.Timeout)), confirmTimeoutMs);
      try {
        for (const [at, { subject, headers, data }] of messages.entries()) {
          pending.set(first + at, { at, window });
          connection.publish(subject, data, { headers, reply: `${inbox}.${first + at}` });
        }
        await promise;
        return window.rejection;
      } finally {
        if (window.due > 0) for (const at of messages.keys()) pending.delete(first + at);
        clock.clearTimeout(timer);
        windows.delete(window);
      }
    },
  };
}

/** JetStream answers `{"stream", "seq"}` or `{"error"}`; when no stream has the subject, the server itself says 503. */
function refusalIn(message: Msg): NatsError | undefined {
  if (message.data.length === 0) return NatsError.errorForCode(ErrorCode.NoResponders);
  const { error } = message.json<{ error?: NonNullable<NatsError['api_error']> }>();
  if (error === undefined) return undefined;
  const refusal = new NatsError(error.description, String(error.code));
  refusal.api_error = error;
  return refusal;
}
