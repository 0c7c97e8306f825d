import { subscriptionMachine } from '../../machines/subscription.machine.ts';
import { failure } from '../kernel/errors.ts';
import type { RecordedEvent } from '../kernel/message.ts';
import { ended, type Running, run, stateName } from '../kernel/statechart.ts';
import type { BusConsumer } from '../ports/event-bus.ts';
import { type BreakerState, createBreaker } from './breaker.ts';
import type { RuntimeContext } from './context.ts';
import type { CountBook } from './counts.ts';
import { createCursorBook } from './cursor-book.ts';
import type { SubscriptionDefinition } from './define.ts';
import { createEventHandler, type LastingFailure } from './event-handler.ts';
import { createMatcher } from './event-matcher.ts';
import type { Relay } from './relay.ts';
import { retrying } from './retry.ts';
import { createStreamDelivery, type StreamDelivery } from './stream-delivery.ts';
import { type Sweep, startSweep } from './sweep.ts';

/** One grouped subscription on this worker. */
export interface Subscription {
  readonly definition: SubscriptionDefinition;
  /** Resolves when it consumes, or waits for the relay's lease to come to this worker. Does nothing after `stop`. */
  start(): Promise<void>;
  /** Takes no more, waits for what is in handlers; what only waits goes back to the bus. Twice is fine. */
  stop(): Promise<void>;
  status(): SubscriptionStatus;
  /** A stream was redriven: looks for it now. */
  nudge(): void;
  breakerState(): BreakerState;
}

export interface SubscriptionStatus {
  readonly name: string;
  /** The state of its machine, such as `holding.consuming`. */
  readonly state: string;
  /** Whether the bus delivers to this worker. */
  readonly consuming: boolean;
  readonly breaker: BreakerState;
}

const maxInFlight = 64;
const maxDelayMs = 30_000;

/** What runs between taking up the consuming and letting it go. */
interface Turn {
  readonly ending: AbortController;
  readonly sweep: Sweep;
  readonly consumer: Promise<BusConsumer | undefined>;
  idle(): Promise<void>;
}

/** Drives the subscription machine for one grouped subscription. */
export function createSubscription(
  context: RuntimeContext,
  definition: SubscriptionDefinition,
  relay: Pick<Relay, 'onHeld'>,
  counts: CountBook,
): Subscription {
  const { bus, clock, logger, settings, telemetry } = context;
  const { name } = definition;
  const leased = !bus.features.crossProcess;
  const breaker = createBreaker({ name: `subscription.${name}`, clock });
  const matches = createMatcher(definition.on);
  let machine: Running<typeof subscriptionMachine> | undefined;
  let turn: Turn | undefined;
  let ending: Promise<void> = Promise.resolve();
  let lost = 0;
  let forgetRelay = () => {};
  let consuming = false;
  let opened = Promise.withResolvers<void>();
  let stopped: Promise<void> | undefined;

  const driven = subscriptionMachine.provide({
    actions: {
      consume: () => {
        opened.resolve();
        turn ??= begin();
      },
      // Whoever waits for the gate goes on waiting; what is in a handler ends.
      halt: () => {
        opened.resolve();
        opened = Promise.withResolvers<void>();
      },
      release: async () => {
        forgetRelay();
        await end();
        breaker.stop();
        machine?.send({ type: 'released' });
      },
    },
  });

  breaker.onChange((state) => {
    if (stopped !== undefined) return;
    if (state === 'open') {
      logger.warn({ subscription: name }, 'A subscription waits: its handler meets something that does not answer.');
      machine?.send({ type: 'failed.passing', atLeastMs: halfOpenAfterMs });
    } else if (state === 'closed') machine?.send({ type: 'retry.due' });
  });

  function begin(): Turn {
    const controller = new AbortController();
    const { signal } = controller;
    const book = createCursorBook(context, name, signal);
    const handle = createEventHandler(context, {
      definition,
      name,
      breaker,
      counts,
      replaying: false,
      signal,
      ready: () => ready(signal),
      advanced() {
        if ((machine?.snapshot().context.failures ?? 0) > 0) machine?.send({ type: 'advanced' });
      },
    });
    const delivery = createStreamDelivery(context, { book, matches, handle, failed });
    const sweep = startSweep(context, { name, book, delivery, matches, lost });
    const consumer = retrying(() => join(delivery.deliver, signal), {
      clock,
      delayMs: settings.retryDelayMs,
      signal,
    }).then(
      (joined) => {
        consuming = true;
        machine?.send({ type: 'subscribed' });
        return joined;
      },
      (error: unknown) => {
        if (!signal.aborted)
          logger.error({ subscription: name, error }, 'The bus takes no consumer: only the log is read.');
        return undefined;
      },
    );
    return { ending: controller, sweep, consumer, idle: delivery.idle };
  }

  async function join(deliver: StreamDelivery['deliver'], signal: AbortSignal): Promise<BusConsumer> {
    const joined = await bus.subscribe({ group: name, patterns: widened(definition.on), maxInFlight }, deliver);
    // Nobody waits for it any more: left in the group, it would turn back all that it is given.
    if (signal.aborted) await joined.close();
    return joined;
  }

  /** Ends the turn: closes the consumer first, so that what is turned back goes to others. */
  function end(): Promise<void> {
    const ended = turn;
    turn = undefined;
    if (ended !== undefined) {
      ending = ending.then(async () => {
        consuming = false;
        ended.ending.abort();
        const consumer = await ended.consumer;
        const closed = consumer?.close().catch((error: unknown) => {
          logger.warn({ subscription: name, error }, 'A consumer could not leave the bus.');
        });
        await Promise.all([closed, ended.sweep.stop(), ended.idle()]);
      });
    }
    return ending;
  }

  /** Resolves when the machine lets handlers begin. @throws DRAINING */
  async function ready(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !machine?.snapshot().matches({ holding: 'consuming' })) await opening(signal);
    if (signal.aborted) throw failure('DRAINING', { found: `${name} stopping` });
  }

  function opening(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        signal.removeEventListener('abort', wake);
        resolve();
      };
      signal.addEventListener('abort', wake, { once: true });
      opened.promise.then(wake);
    });
  }

  function failed(event: RecordedEvent, lasting: LastingFailure): void {
    counts.add('deadLettered', event.type, name);
    telemetry.count('events_dead_lettered_total', { subscription: name });
    const { code, cause, attempts } = lasting;
    const facts = { subscription: name, event: event.id, stream: event.stream, code, cause, attempts };
    if (settings.deadLetters) logger.error(facts, 'An event could not be handled: its stream is parked.');
    else logger.error(facts, 'An event could not be handled and was stepped over: DEAD_LETTERS is false.');
  }

  return {
    definition,
    async start() {
      if (machine !== undefined || stopped !== undefined) return;
      machine = run(driven, clock, {
        input: {
          kind: 'grouped',
          leased,
          pollMs: 0,
          jitter: Math.random(),
          delayMs: settings.retryDelayMs,
          maxDelayMs,
        },
        onError: (error) => logger.error({ subscription: name, error }, 'The machine of a subscription failed.'),
      });
      if (leased) {
        forgetRelay = relay.onHeld(async (held) => {
          if (stopped !== undefined) return;
          lost = held?.from ?? 0;
          machine?.send({ type: held === undefined ? 'lease.lost' : 'lease.taken' });
          // The relay publishes only after this: a bus that keeps nothing for absent groups loses nothing then.
          await (held === undefined ? end() : turn?.consumer);
        });
      }
      await turn?.consumer;
    },
    stop() {
      if (stopped !== undefined) return stopped;
      stopped = machine === undefined ? Promise.resolve() : ended(machine);
      machine?.send({ type: 'stop' });
      return stopped;
    },
    status: () => ({
      name,
      state: machine === undefined ? 'idle' : stateName(machine.snapshot()),
      consuming,
      breaker: breaker.state(),
    }),
    nudge: () => turn?.sweep.nudge(),
    breakerState: breaker.state,
  };
}

/** The breaker's own default. */
const halfOpenAfterMs = 30_000;

/**
 * Whole aggregates instead of some of their events: then each next version shows that nothing lies between, and the stream
 * need not be read to know it.
 */
function widened(patterns: readonly string[]): readonly string[] {
  const wide = patterns.map((pattern) =>
    pattern.startsWith('*') ? pattern : `${pattern.slice(0, pattern.indexOf('.'))}.*`,
  );
  return [...new Set(wide)];
}
