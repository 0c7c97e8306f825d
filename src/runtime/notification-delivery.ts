import { fromPromise } from 'xstate';
import { deliveryMachine } from '../../machines/delivery.machine.ts';
import { sleep } from '../kernel/clock.ts';
import { asFailure, failure } from '../kernel/errors.ts';
import type { RecordedEvent, StreamId } from '../kernel/message.ts';
import { run } from '../kernel/statechart.ts';
import type { Channel, ChannelMessage, NotificationKind } from '../ports/channel.ts';
import type { Breaker } from './breaker.ts';
import type { CommandResult } from './command.ts';
import type { RuntimeContext } from './context.ts';
import type { Enricher, NotificationRequest, SubscriptionDefinition } from './define.ts';
import { isPassing } from './passing.ts';

/** Where the notifications of one kind leave; undefined when no channel takes them. */
export type Route = { readonly channel: Channel; readonly breaker: Breaker } | undefined;

/**
 * Delivers the requested notifications of one kind, each driven by the delivery machine.
 *
 * `DeliveryStarted` is appended by version before the channel is called, so of two workers one sends. When the process
 * dies after the channel took the message and before that is written down, it is sent once more, under the same id.
 */
export function createDelivery(
  context: RuntimeContext,
  kind: NotificationKind,
  route: Route,
  enrichers: ReadonlyMap<string, Enricher>,
): SubscriptionDefinition {
  const { clock, settings } = context;

  /** Resolves when the notification is delivered, or found to be settled. */
  function delivered(event: RecordedEvent, signal: AbortSignal): Promise<void> {
    const attempt = createAttempt(context, event.stream, signal);
    const machine = run(
      deliveryMachine.provide({
        actors: {
          start: fromPromise(() => attempt.start()),
          send: fromPromise(() => send(event)),
          complete: fromPromise(() => attempt.complete()),
        },
        guards: { isPassing: ({ context: { error } }) => isPassing(error) },
      }),
      clock,
      { input: { delayMs: settings.retryDelayMs, maxDelayMs, jitter: Math.random() } },
    );
    const forgetBreaker = route?.breaker.onChange((state) => {
      if (state === 'closed') machine.send({ type: 'retry.due' });
    });
    // What is being sent or written down ends first: cut here, the person would get it twice.
    const stop = () => {
      if (machine.snapshot().matches('waiting')) machine.send({ type: 'stop' });
    };
    signal.addEventListener('abort', stop, { once: true });

    return new Promise<void>((resolve, reject) => {
      machine.subscribe(({ status, value, context: { error } }) => {
        if (value === 'waiting' && signal.aborted) return machine.send({ type: 'stop' });
        if (status !== 'done') return;
        if (value === 'rejected') reject(error);
        else if (value === 'stopped') reject(failure('DRAINING', { found: `a delivery of ${kind} under way` }));
        else resolve();
      });
      if (signal.aborted) stop();
    }).finally(() => {
      forgetBreaker?.();
      signal.removeEventListener('abort', stop);
    });
  }

  async function send(event: RecordedEvent): Promise<void> {
    if (route === undefined) {
      throw failure('CHANNEL_REJECTED', {
        expected: `a channel that takes ${kind}`,
        found: 'none',
        remedy: 'Configure one, then redrive the dead letter.',
      });
    }
    const request = event.data as NotificationRequest;
    const added = await enrichers.get(request.template)?.(request);
    const message: ChannelMessage = {
      id: event.stream.id,
      kind,
      to: request.to,
      template: request.template,
      data: { ...request.data, ...added },
      metadata: request.metadata,
      requestedAt: event.meta.occurredAt,
    };
    await route.breaker.run(() => route.channel.deliver(message));
  }

  return {
    name: `delivery.${kind}`,
    on: ['Notification.NotificationRequested'],
    async handle(event, { signal }) {
      if ((event.data as NotificationRequest).type === kind) await delivered(event, signal);
    },
    async discarded(event, { cause }) {
      await context.send({ stream: event.stream, type: 'FailDelivery', data: { reason: cause } });
    },
  };
}

/** What one worker does to one notification's stream. */
function createAttempt(context: RuntimeContext, stream: StreamId, signal: AbortSignal) {
  const { clock, settings, store } = context;
  /** The version of the `DeliveryStarted` that is this worker's. */
  let mine = 0;

  const send = (type: string, more: object = {}): Promise<CommandResult> =>
    context.send({ stream, type, data: {}, ...more });

  return {
    /** True when this worker is the one to send; false when there is nothing to send any more. */
    async start(): Promise<boolean> {
      for (;;) {
        const last = await lastEvent();
        if (last.type === 'NotificationDelivered' || last.type === 'NotificationFailed') return false;
        if (last.version === mine) return true;
        // Another worker sends, or did until it died: it has as long as the channel may take.
        const leftMs = last.type === 'DeliveryStarted' ? timeLeftMs(last) : 0;
        if (leftMs > 0) await waited(leftMs);
        if ((await lastEvent()).version !== last.version) continue;
        const started = await send('StartDelivery', { expectedVersion: last.version });
        if (started.status === 'accepted') mine = started.version;
      }
    },
    /** Refused means that it is written down already. */
    async complete(): Promise<void> {
      await send('CompleteDelivery');
    },
  };

  async function lastEvent(): Promise<RecordedEvent> {
    for await (const event of store.events.readStream(stream, { backwards: true, limit: 1 })) return event;
    throw failure('NOT_FOUND', { expected: `the notification ${stream.id}`, found: 'a log without it' });
  }

  /** Bounded on this side: the other worker's clock may be anywhere. */
  function timeLeftMs({ meta }: RecordedEvent): number {
    const untilMs = Date.parse(meta.occurredAt) + settings.channelTimeoutMs;
    return Math.min(untilMs - clock.now(), settings.channelTimeoutMs);
  }

  async function waited(delayMs: number): Promise<void> {
    await sleep(clock, delayMs, signal);
    if (signal.aborted) throw asFailure(signal.reason, 'DRAINING');
  }
}

const maxDelayMs = 30_000;
