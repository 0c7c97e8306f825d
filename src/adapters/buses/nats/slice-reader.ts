import { createInbox, type Msg, type NatsConnection } from 'nats';
import type { TimerHandle } from '../../../kernel/clock.ts';
import type { RecordedEvent } from '../../../kernel/message.ts';
import { matchesPattern } from '../../../ports/event-bus.ts';
import type { Dispatcher } from '../dispatch.ts';
import type { Link } from './link.ts';
import { decodeMessage } from './message.ts';
import type { Progress } from './progress.ts';

/** Fetches the events of a slice that we own, and acknowledges what is handled. */
export interface SliceReader {
  /** Fetches nothing more, and stops saying that what it fetched is in work. Handlers under way may still end. */
  stop(): void;
}

export interface SliceReaderOptions {
  readonly link: Link;
  readonly dispatcher: Dispatcher;
  readonly progress: Progress;
  readonly patterns: readonly string[];
  /** The name of the durable consumer. */
  readonly consumer: string;
  /** How many to ask for at once. */
  readonly batch: () => number;
  readonly ackWaitMs: number;
  /** What the server sent may be lost: a new epoch must begin. Called once at most. */
  readonly onTrouble: (reason: string) => void;
}

const expiresMs = 30_000;
const heartbeatMs = 5_000;
/** The server says something every heartbeat while we wait. */
const silentAfterMs = 12_000;
const acknowledged = '+ACK';
const inWork = '+WPI';

export function createSliceReader(options: SliceReaderOptions): SliceReader {
  const { link, dispatcher, progress, patterns } = options;
  const { connection, clock, logger, topology } = link;
  const nextSubject = `${link.jetStream.getOptions().apiPrefix}.CONSUMER.MSG.NEXT.${topology.stream}.${options.consumer}`;
  /** Where to answer for what is held, by sequence. */
  const held = new Map<number, string>();
  let stopped = false;
  /** Asked for and not come yet. */
  let outstanding = 0;
  let nextDelivery = 1;
  let waiting = false;
  let heardAtMs = clock.monotonicMs();
  const inbox = createInbox();
  const subscription = connection.subscribe(inbox, {
    callback: (error, message) => {
      if (stopped) return;
      heardAtMs = clock.monotonicMs();
      if (error !== null) trouble(error.message);
      else if (message.subject === inbox) onStatus(message);
      else onMessage(message);
    },
  });
  let watch: TimerHandle = clock.setTimeout(look, heartbeatMs);
  let working: TimerHandle = clock.setTimeout(sayInWork, options.ackWaitMs / 3);
  ask();

  function ask(): void {
    const batch = options.batch();
    if (stopped || outstanding > batch / 2) return;
    if (!dispatcher.hasRoom()) {
      if (!waiting) askLater();
      return;
    }
    if (outstanding === 0) heardAtMs = clock.monotonicMs();
    outstanding += batch;
    const request = { batch, max_bytes: link.maxBytes(), expires: expiresMs * 1e6, idle_heartbeat: heartbeatMs * 1e6 };
    publish(nextSubject, JSON.stringify(request), { reply: inbox });
  }

  async function askLater(): Promise<void> {
    waiting = true;
    await dispatcher.room();
    waiting = false;
    ask();
  }

  /** 100 is a heartbeat; 404, 408 and some of 409 end a request; others end the consumer. */
  function onStatus({ headers }: Msg): void {
    const code = headers?.code ?? 0;
    const description = headers?.description ?? '';
    if (code === 100) return;
    const left = Number(headers?.get('Nats-Pending-Messages') || 0);
    if (code === 404 || code === 408 || (code === 409 && /^(message size|batch completed)/i.test(description))) {
      outstanding = Math.max(0, outstanding - left);
      ask();
    } else trouble(`${code} ${description}`);
  }

  function onMessage({ subject, reply, headers, data }: Msg): void {
    const place = parseReply(reply);
    if (reply === undefined || place === undefined) return;
    outstanding = Math.max(0, outstanding - 1);
    const { sequence, delivery } = place;
    if (delivery !== nextDelivery++) {
      trouble(`delivery ${nextDelivery - 1} did not come`);
      return;
    }
    const known = progress.take(sequence);
    if (known === 'handled') publish(reply, acknowledged);
    if (known === 'held') held.set(sequence, reply);
    if (known === 'new') {
      held.set(sequence, reply);
      offer(sequence, topology.partition(subject), decodeMessage(headers, data), data.length);
    }
    ask();
  }

  function offer(sequence: number, partition: number, event: RecordedEvent | undefined, bytes: number): void {
    const done = () => {
      progress.finish(sequence);
      const reply = held.get(sequence);
      held.delete(sequence);
      if (reply !== undefined) publish(reply, acknowledged);
    };
    if (event === undefined) {
      logger.warn({ stream: topology.stream, sequence }, 'Stepped over a message that is not one of ours.');
      done();
    } else if (patterns.some((pattern) => matchesPattern(pattern, event.stream.type, event.type)))
      dispatcher.offer({ event, source: partition, bytes, done });
    else done();
  }

  function look(): void {
    watch = clock.setTimeout(look, heartbeatMs);
    if (outstanding > 0 && clock.monotonicMs() - heardAtMs > silentAfterMs) trouble('the server is silent');
  }

  function sayInWork(): void {
    working = clock.setTimeout(sayInWork, options.ackWaitMs / 3);
    for (const reply of held.values()) publish(reply, inWork);
  }

  function publish(...args: Parameters<NatsConnection['publish']>): void {
    if (!connection.isClosed()) connection.publish(...args);
  }

  function trouble(reason: string): void {
    if (stopped) return;
    stop();
    options.onTrouble(reason);
  }

  function stop(): void {
    if (stopped) return;
    stopped = true;
    clock.clearTimeout(watch);
    clock.clearTimeout(working);
    subscription.unsubscribe();
  }

  return { stop };
}

/** `$JS.ACK.stream.consumer.times.sequence.delivery.time.pending`, or with the domain and the account before the stream. */
function parseReply(reply = ''): { readonly sequence: number; readonly delivery: number } | undefined {
  const parts = reply.split('.');
  const at = parts.length < 11 ? 5 : 7;
  const [sequence, delivery] = [Number(parts[at]), Number(parts[at + 1])];
  return reply.startsWith('$JS.ACK.') && sequence > 0 && delivery > 0 ? { sequence, delivery } : undefined;
}
