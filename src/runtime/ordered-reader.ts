import { subscriptionMachine } from '../../machines/subscription.machine.ts';
import { isFailure } from '../kernel/errors.ts';
import { ended, type Running, run, stateName } from '../kernel/statechart.ts';
import type { Fence } from '../ports/coordination.ts';
import type { RuntimeContext } from './context.ts';
import { holdLease, type LeaseKeeper } from './lease.ts';
import { isPassing } from './passing.ts';

/** A reader of the log that runs on one worker at a time. */
export interface OrderedReader {
  /** Does nothing after `stop`: a drain may overtake the start. */
  start(): void;
  /** Ends the reading, then gives up the lease. Twice is fine. */
  stop(): Promise<void>;
  /** Looks at the log now rather than at the next poll. */
  wake(): void;
  /** What stopped it was corrected. */
  correct(): void;
  /** The lease while this worker holds it. */
  fence(): Fence | undefined;
  /** The state of its machine, such as `holding.live`. */
  state(): string;
  /** What failed last, while it waits or is faulty. */
  error(): string | undefined;
}

export interface OrderedReaderOptions {
  /** Names the lease. */
  readonly name: string;
  /** Called at each takeover, before the first `read`; rejecting gives the lease up. */
  onTaken?(fence: Fence): Promise<void>;
  /** Called when the lease is gone and nothing reads any more; also after an `onTaken` that rejected. */
  onLost?(): Promise<void>;
  /**
   * Reads on to the end of the log. A rejection that is passing is waited out; FENCED gives the lease up; any other stops
   * the reader until `correct`. Call `advanced` after each batch: it ends a series of failures.
   */
  read(fence: Fence, signal: AbortSignal, advanced: () => void): Promise<void>;
}

/** How long a silent log goes unlooked at: another process's append may wake nobody. */
const pollMs = 200;
const maxDelayMs = 30_000;

/** Drives the subscription machine for one ordered reader. */
export function createOrderedReader(context: RuntimeContext, options: OrderedReaderOptions): OrderedReader {
  const { name } = options;
  const { clock, logger, settings, store } = context;
  let machine: Running<typeof subscriptionMachine> | undefined;
  let keeper: LeaseKeeper | undefined;
  let unwatch = () => {};
  let turn: Turn | undefined;
  let reading: Promise<void> = Promise.resolve();
  let halting = new AbortController();
  let woken = false;
  let lastError: unknown;
  let stopped: Promise<void> | undefined;

  async function hold(fence: Fence, signal: AbortSignal): Promise<void> {
    try {
      await options.onTaken?.(fence);
      const ended = Promise.withResolvers<void>();
      signal.addEventListener('abort', () => ended.resolve(), { once: true });
      if (signal.aborted) ended.resolve();
      turn = { fence, signal, giveUp: ended.resolve };
      machine?.send({ type: 'lease.taken' });
      await ended.promise;
      turn = undefined;
      machine?.send({ type: 'lease.lost' });
      await reading;
    } finally {
      await options.onLost?.();
    }
  }

  async function read(): Promise<void> {
    const { fence, signal, giveUp } = turn ?? {};
    if (fence === undefined || signal === undefined) return;
    halting = new AbortController();
    const ending = AbortSignal.any([signal, halting.signal]);
    try {
      do {
        woken = false;
        await options.read(fence, ending, () => machine?.send({ type: 'advanced' }));
      } while (woken && !ending.aborted);
      lastError = undefined;
      if (!ending.aborted) machine?.send({ type: 'caught.up' });
    } catch (error) {
      if (ending.aborted) return;
      lastError = error;
      // Another worker's code may know the event; under the lease it finds out.
      if (isFailure(error, 'FENCED', 'NEWER_EVENT')) return giveUp?.();
      const passing = isPassing(error);
      logger[passing ? 'warn' : 'error']({ reader: name, error }, `${name} ${passing ? 'waits' : 'stopped'}.`);
      machine?.send({ type: passing ? 'failed.passing' : 'failed.lasting' });
    }
  }

  const driven = subscriptionMachine.provide({
    actions: {
      // The keeper goes on bidding by itself after a loss.
      seekLease: () => {
        keeper ??= holdLease(context, name, hold);
      },
      read: () => {
        reading = reading.then(read);
      },
      halt: () => halting.abort(),
      release: async () => {
        await keeper?.stop();
        machine?.send({ type: 'released' });
      },
    },
  });

  return {
    start() {
      if (machine !== undefined || stopped !== undefined) return;
      unwatch = store.events.watch(wake);
      machine = run(driven, clock, {
        input: {
          kind: 'ordered',
          leased: true,
          pollMs,
          jitter: Math.random(),
          delayMs: settings.retryDelayMs,
          maxDelayMs,
        },
        onError: (error) => logger.error({ reader: name, error }, 'The machine of a reader failed.'),
      });
    },
    stop() {
      if (stopped !== undefined) return stopped;
      unwatch();
      stopped = machine === undefined ? Promise.resolve() : ended(machine);
      machine?.send({ type: 'stop' });
      return stopped;
    },
    wake,
    correct() {
      if (stopped === undefined) machine?.send({ type: 'corrected' });
    },
    fence: () => turn?.fence,
    state: () => (machine === undefined ? 'idle' : stateName(machine.snapshot())),
    error: () => (lastError === undefined ? undefined : String(lastError)),
  };

  function wake(): void {
    woken = true;
    if (stopped === undefined) machine?.send({ type: 'woken' });
  }
}

interface Turn {
  readonly fence: Fence;
  readonly signal: AbortSignal;
  /** Ends the turn though nobody took the lease. */
  giveUp(): void;
}
