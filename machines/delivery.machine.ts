import { assign, fromPromise, setup } from 'xstate';
import { type Backoff, backoffMs } from './backoff.ts';

export interface DeliveryInput extends Backoff {
  /** Drawn once by the driver, 0…1. */
  readonly jitter: number;
}

export interface DeliveryContext extends DeliveryInput {
  /** Passing failures so far. */
  readonly failures: number;
  /** The channel has taken it: it is not sent again, only written down. */
  readonly taken: boolean;
  /** What failed last. */
  readonly error: unknown;
}

export type DeliveryEvent =
  /** What was waited for is there again: the channel's breaker closed. */
  | { readonly type: 'retry.due' }
  /** The process drains. */
  | { readonly type: 'stop' };

/**
 * One notification on its way out. The driver provides the steps: `start` makes sure that this worker is the one that
 * delivers (appends `DeliveryStarted` by version; resolves with `false` when another was first), `send` gives it to the
 * channel through its breaker, `complete` writes the outcome down; and `isPassing`, which tells what is worth waiting
 * for. Each step may be run again.
 */
export const deliveryMachine = setup({
  types: {} as { context: DeliveryContext; input: DeliveryInput; events: DeliveryEvent },
  actors: {
    start: fromPromise<boolean>(() => notProvided('start')),
    send: fromPromise<void, { readonly attempt: number }>(() => notProvided('send')),
    complete: fromPromise<void>(() => notProvided('complete')),
  },
  actions: {
    noteFailure: assign({
      failures: ({ context }) => context.failures + 1,
      error: (_, { error }: { error: unknown }) => error,
    }),
    noteTaken: assign({ taken: true }),
  },
  guards: {
    /** Provided by the driver: whether `context.error` is worth waiting for. */
    isPassing: () => false,
    isMine: (_, { output }: { output: boolean }) => output,
    isTaken: ({ context }) => context.taken,
  },
  delays: { backoff: ({ context }) => backoffMs(context.failures, context.jitter, context) },
}).createMachine({
  id: 'delivery',
  context: ({ input }) => ({ ...input, failures: 0, taken: false, error: undefined }),
  initial: 'starting',
  on: { stop: '.stopped' },
  states: {
    starting: {
      invoke: {
        src: 'start',
        onDone: [{ guard: { type: 'isMine', params: ({ event }) => event }, target: 'sending' }, { target: 'ceded' }],
        onError: { target: 'failing', actions: { type: 'noteFailure', params: ({ event }) => event } },
      },
    },
    sending: {
      invoke: {
        src: 'send',
        input: ({ context }) => ({ attempt: context.failures + 1 }),
        onDone: { target: 'completing', actions: 'noteTaken' },
        onError: { target: 'failing', actions: { type: 'noteFailure', params: ({ event }) => event } },
      },
    },
    completing: {
      description: 'The channel has it; a crash here means that it is sent once more, under the same id.',
      invoke: {
        src: 'complete',
        onDone: 'delivered',
        onError: { target: 'failing', actions: { type: 'noteFailure', params: ({ event }) => event } },
      },
    },
    failing: {
      always: [{ guard: 'isPassing', target: 'waiting' }, { target: 'rejected' }],
    },
    waiting: {
      description:
        'The channel or the store does not answer. Afterwards it makes sure again that the delivery is its own.',
      after: { backoff: 'resuming' },
      on: { 'retry.due': 'resuming' },
    },
    resuming: {
      always: [{ guard: 'isTaken', target: 'completing' }, { target: 'starting' }],
    },
    delivered: { type: 'final' },
    rejected: { type: 'final', description: 'It never will be delivered: `context.error` says why.' },
    ceded: { type: 'final', description: 'Another worker delivers it.' },
    stopped: { type: 'final', description: 'The process drains; whoever comes next goes on.' },
  },
});

function notProvided(step: string): Promise<never> {
  return Promise.reject(new Error(`The driver of the delivery machine provides ${step}.`));
}
