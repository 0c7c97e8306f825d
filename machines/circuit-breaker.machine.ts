import { assign, setup } from 'xstate';

export interface CircuitBreakerInput {
  /** Passing failures in a row that open it. */
  readonly threshold: number;
  readonly halfOpenAfterMs: number;
}

export interface CircuitBreakerContext extends CircuitBreakerInput {
  /** In a row, while closed. */
  readonly failures: number;
}

/**
 * What `runtime/breaker` tells the machine. *Failed* is a passing failure; a lasting one is an answer, so the other
 * side is there: *succeeded*. Calls that began before the breaker last opened are not told.
 */
export type CircuitBreakerEvent =
  | { readonly type: 'call.succeeded' }
  | { readonly type: 'call.failed' }
  /** The one call that is let through while half open. */
  | { readonly type: 'probe.started' }
  | { readonly type: 'probe.succeeded' }
  | { readonly type: 'probe.failed' }
  /** It ended without an answer about the other side: the process drains. */
  | { readonly type: 'probe.abandoned' };

/** Keeps calls away from what does not answer (M. Nygard, "Release It!"). */
export const circuitBreakerMachine = setup({
  types: {} as { context: CircuitBreakerContext; input: CircuitBreakerInput; events: CircuitBreakerEvent },
  actions: {
    countFailure: assign({ failures: ({ context }) => context.failures + 1 }),
    forgetFailures: assign({ failures: 0 }),
  },
  guards: { reachesThreshold: ({ context }) => context.failures + 1 >= context.threshold },
  delays: { halfOpenAfter: ({ context }) => context.halfOpenAfterMs },
}).createMachine({
  id: 'circuit-breaker',
  context: ({ input }) => ({ ...input, failures: 0 }),
  initial: 'closed',
  states: {
    closed: {
      description: 'Calls go through.',
      exit: 'forgetFailures',
      on: {
        'call.succeeded': { actions: 'forgetFailures' },
        'call.failed': [{ guard: 'reachesThreshold', target: 'open' }, { actions: 'countFailure' }],
      },
    },
    open: {
      description: 'Calls are refused with BREAKER_OPEN.',
      after: { halfOpenAfter: 'halfOpen' },
    },
    halfOpen: {
      initial: 'ready',
      states: {
        ready: {
          description: 'The next call goes through, as the probe.',
          on: { 'probe.started': 'probing' },
        },
        probing: {
          description: 'Calls are refused until the probe has ended; one that never ends counts as failed.',
          after: { halfOpenAfter: '#circuit-breaker.open' },
          on: {
            'probe.succeeded': '#circuit-breaker.closed',
            'probe.failed': '#circuit-breaker.open',
            'probe.abandoned': 'ready',
          },
        },
      },
    },
  },
});
