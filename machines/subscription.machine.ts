import { assign, setup } from 'xstate';
import { type Backoff, backoffMs } from './backoff.ts';

export interface SubscriptionInput extends Backoff {
  /** `ordered` reads the log from its checkpoint; `grouped` consumes from the bus. */
  readonly kind: 'ordered' | 'grouped';
  /** Whether it may run only where a lease is held: every ordered one, and a grouped one of a process-local bus. */
  readonly leased: boolean;
  /** How long an ordered one stays live, without being woken, before it looks for itself. */
  readonly pollMs: number;
  /** Drawn once by the driver, 0…1: workers that fail together come back apart. */
  readonly jitter: number;
}

export interface SubscriptionContext extends SubscriptionInput {
  /** Passing failures since it last got on. */
  readonly failures: number;
  readonly waitMs: number;
}

/** What `runtime/subscription` and `runtime/relay` tell the machine. */
export type SubscriptionEvent =
  /** This worker holds the lease. */
  | { readonly type: 'lease.taken' }
  /** Another worker holds it, or a write was fenced: what was under way is void. */
  | { readonly type: 'lease.lost' }
  /** Ordered: the end of the log was reached. */
  | { readonly type: 'caught.up' }
  /** Ordered: there may be something to read (a bus message, the store's watch). Told in any state; while reading, the
   * reader goes to the end of the log anyhow, so the driver remembers nothing. */
  | { readonly type: 'woken' }
  /** Grouped: the bus delivers. */
  | { readonly type: 'subscribed' }
  /** A batch is committed, or an event handled: whatever failed before is over. */
  | { readonly type: 'advanced' }
  /** Something does not answer (time-out, refused connection, open breaker). `atLeastMs`: it said for how long. */
  | { readonly type: 'failed.passing'; readonly atLeastMs?: number }
  /** What was waited for is there again, the breaker closed, say: no need to wait longer. */
  | { readonly type: 'retry.due' }
  /** It can't go on until somebody corrects it: a projection with a thousand faulty rows. A single stream that can't be
   * handled is parked in its cursor and is no matter of this machine. */
  | { readonly type: 'failed.lasting' }
  /** It has been corrected: a new generation was swapped in. */
  | { readonly type: 'corrected' }
  /** The subscription ends: the process drains. */
  | { readonly type: 'stop' }
  /** Handlers have ended, checkpoints and cursors are written, the lease is released. */
  | { readonly type: 'released' };

/**
 * One named reader of the log. The driver provides the actions; each starts something and comes back at once:
 * `seekLease` (then tells `lease.taken`), `read` (then `caught.up`), `consume` (then `subscribed`), `halt` (aborts what
 * `read` or `consume` started; nothing it still tells counts), `release` (then `released`).
 */
export const subscriptionMachine = setup({
  types: {} as {
    context: SubscriptionContext;
    input: SubscriptionInput;
    events: SubscriptionEvent;
    tags: 'holding' | 'working';
  },
  actions: {
    seekLease: () => {},
    read: () => {},
    consume: () => {},
    halt: () => {},
    release: () => {},
    noteFailure: assign(({ context }, { atLeastMs = 0 }: { atLeastMs?: number }) => {
      const failures = context.failures + 1;
      return { failures, waitMs: Math.max(atLeastMs, backoffMs(failures, context.jitter, context)) };
    }),
    forgetFailures: assign({ failures: 0, waitMs: 0 }),
  },
  guards: {
    isUnleased: ({ context }) => !context.leased,
    isGrouped: ({ context }) => context.kind === 'grouped',
  },
  delays: {
    poll: ({ context }) => context.pollMs,
    backoff: ({ context }) => context.waitMs,
  },
}).createMachine({
  id: 'subscription',
  context: ({ input }) => ({ ...input, failures: 0, waitMs: 0 }),
  initial: 'starting',
  states: {
    starting: {
      always: [{ guard: 'isUnleased', target: 'holding' }, { target: 'seekingLease' }],
    },
    seekingLease: {
      description: 'Another worker may hold it: watches the lease until it is released or stands still.',
      entry: 'seekLease',
      on: { 'lease.taken': 'holding', stop: 'stopping' },
    },
    holding: {
      description: 'This worker is the one that reads, or one of those that consume.',
      tags: 'holding',
      initial: 'resuming',
      states: {
        resuming: {
          always: [{ guard: 'isGrouped', target: 'consuming' }, { target: 'catchingUp' }],
        },
        catchingUp: {
          description: 'Ordered: reads on from its checkpoint.',
          tags: 'working',
          entry: 'read',
          on: {
            advanced: { actions: 'forgetFailures' },
            'caught.up': { target: 'live', actions: 'forgetFailures' },
            'failed.passing': { target: 'waiting', actions: { type: 'noteFailure', params: ({ event }) => event } },
            'failed.lasting': 'faulty',
          },
        },
        live: {
          description: 'Ordered: at the end of the log, until woken or for as long as it trusts the silence.',
          tags: 'working',
          after: { poll: 'catchingUp' },
          on: { woken: 'catchingUp' },
        },
        consuming: {
          description: 'Grouped: handles what the bus delivers.',
          tags: 'working',
          entry: 'consume',
          exit: 'halt',
          on: {
            advanced: { actions: 'forgetFailures' },
            'failed.passing': { target: 'waiting', actions: { type: 'noteFailure', params: ({ event }) => event } },
          },
        },
        waiting: {
          description: 'Something does not answer. It waits as long as that lasts; nothing is dead-lettered.',
          after: { backoff: 'resuming' },
          on: { 'retry.due': 'resuming' },
        },
        faulty: {
          description: 'Stopped until corrected; keeps its lease, since another worker would fare no better.',
          on: { corrected: { target: 'catchingUp', actions: 'forgetFailures' } },
        },
      },
      on: { 'lease.lost': { target: 'seekingLease', actions: 'halt' }, stop: 'stopping' },
    },
    stopping: {
      entry: ['halt', 'release'],
      on: { released: 'stopped' },
    },
    stopped: { type: 'final' },
  },
});
