import { assign, setup } from 'xstate';
import { type Backoff, backoffMs } from './backoff.ts';

export interface RetryInput extends Backoff {
  /** How many tries there may be, the first included; `Infinity` for no bound. */
  readonly attempts: number;
}

export interface RetryContext extends RetryInput {
  /** The try under way, or the one that failed last; from 1. */
  readonly attempt: number;
  /** The wait after it; 0 before the first failure. */
  readonly waitMs: number;
}

/** What `runtime/retry` tells the machine; the task itself is the driver's, started by the action `attempt`. */
export type RetryEvent =
  | { readonly type: 'attempt.succeeded' }
  /** `jitter` is drawn anew for each failure, 0…1. */
  | { readonly type: 'attempt.failed'; readonly retryable: boolean; readonly jitter: number }
  | { readonly type: 'aborted' };

/** One task that is tried until it succeeds. The first attempt is under way when the machine starts. */
export const retryMachine = setup({
  types: {} as { context: RetryContext; input: RetryInput; events: RetryEvent },
  actions: {
    /** Provided by the driver: starts the task for `context.attempt`. */
    attempt: () => {},
    countAttempt: assign({ attempt: ({ context }) => context.attempt + 1 }),
    chooseWait: assign({
      waitMs: ({ context }, { jitter }: { jitter: number }) => backoffMs(context.attempt, jitter, context),
    }),
  },
  guards: {
    isLasting: (_, { retryable }: { retryable: boolean }) => !retryable,
    isLastAttempt: ({ context }) => context.attempt >= context.attempts,
  },
  delays: { backoff: ({ context }) => context.waitMs },
}).createMachine({
  id: 'retry',
  context: ({ input }) => ({ ...input, attempt: 1, waitMs: 0 }),
  initial: 'attempting',
  on: { aborted: '.aborted' },
  states: {
    attempting: {
      on: {
        'attempt.succeeded': 'succeeded',
        'attempt.failed': [
          { guard: { type: 'isLasting', params: ({ event }) => event }, target: 'rejected' },
          { guard: 'isLastAttempt', target: 'exhausted' },
          { target: 'waiting', actions: { type: 'chooseWait', params: ({ event }) => event } },
        ],
      },
    },
    waiting: {
      after: { backoff: { target: 'attempting', actions: ['countAttempt', 'attempt'] } },
    },
    succeeded: { type: 'final' },
    rejected: { type: 'final', description: 'It failed in a way that another try would not change.' },
    exhausted: { type: 'final', description: 'The last attempt failed.' },
    aborted: { type: 'final', description: 'Whoever wanted it does so no more.' },
  },
});
