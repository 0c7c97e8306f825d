import { setup } from 'xstate';

/**
 * What `runtime/aggregate-actor` tells an aggregate's lifecycle. The machine has no context and no timers, so that
 * a hundred thousand residents share its few snapshots; counting, waiting and I/O are the driver's.
 */
export type AggregateLifecycleEvent =
  /** A command was put into the mailbox. */
  | { readonly type: 'command.received' }
  /** The committed state is in memory. */
  | { readonly type: 'hydrated' }
  /** Its recorded events can't be folded. The driver then sends `restart.due` after a backoff, or `budget.spent`. */
  | { readonly type: 'hydration.failed' }
  /** The history can't be read now (no answer from the store, an event newer than this code), which is no fault of the
   * aggregate: the waiting commands were answered so. */
  | { readonly type: 'hydration.abandoned' }
  /** Another writer was first: the tail is being read, then the pending commands are decided again. */
  | { readonly type: 'race.lost' }
  /** The tail is folded in. */
  | { readonly type: 'tail.read' }
  /** Nothing waits and nothing is in flight any more. */
  | { readonly type: 'committed.all' }
  /** A recorded event of the tail can't be folded. */
  | { readonly type: 'fold.failed' }
  /** The tail can't be read now, or the outcome of an append stays unknown: what is in memory is dropped. Commands that
   * still wait are told again by `command.received`. */
  | { readonly type: 'state.doubtful' }
  /** Nothing happened for `idleMs`. */
  | { readonly type: 'idle.timeout' }
  /** The least recently used of too many residents, or the process drains. */
  | { readonly type: 'evicted' }
  /** What was still being written for it (a snapshot) is written. */
  | { readonly type: 'passivated' }
  /** The backoff after a failure is over. */
  | { readonly type: 'restart.due' }
  /** Too many failures in a minute. */
  | { readonly type: 'budget.spent' };

/**
 * One aggregate on one worker, from its first command to its passivation. Tags: `resident`: its state is in memory;
 * `queueing`: commands wait in the mailbox; `deciding`: they are decided as they come.
 */
export const aggregateLifecycleMachine = setup({
  types: {} as { events: AggregateLifecycleEvent; tags: 'resident' | 'queueing' | 'deciding' },
}).createMachine({
  id: 'aggregate-lifecycle',
  initial: 'cold',
  states: {
    cold: {
      description: 'Only its log exists.',
      on: { 'command.received': 'hydrating' },
    },
    hydrating: {
      description: 'Snapshot and tail are being read and folded.',
      tags: 'queueing',
      on: {
        hydrated: 'resident',
        'hydration.failed': 'restarting',
        'hydration.abandoned': 'cold',
      },
    },
    resident: {
      tags: 'resident',
      initial: 'idle',
      states: {
        idle: {
          description: 'In memory, with nothing waiting.',
          tags: 'deciding',
          on: { 'command.received': 'busy', 'idle.timeout': 'passivating', evicted: 'passivating' },
        },
        busy: {
          description: 'Commands are decided on the speculative state while appends are in flight.',
          initial: 'current',
          states: {
            current: {
              tags: 'deciding',
              on: { 'race.lost': 'outrun' },
            },
            outrun: {
              description: 'Another writer appended first: its events are being read.',
              tags: 'queueing',
              on: { 'tail.read': 'current' },
            },
          },
          on: { 'committed.all': 'idle' },
        },
        passivating: {
          description: 'Still in memory until its snapshot is written; a command calls it back.',
          tags: 'deciding',
          on: { 'command.received': 'busy', passivated: '#aggregate-lifecycle.cold' },
        },
      },
      on: { 'fold.failed': 'restarting', 'state.doubtful': 'cold' },
    },
    restarting: {
      description: 'Waits before it is hydrated again; commands wait with it.',
      tags: 'queueing',
      on: { 'restart.due': 'hydrating', 'budget.spent': 'quarantined' },
    },
    quarantined: {
      description: 'Its commands are answered AGGREGATE_QUARANTINED on this worker, for as long as its code runs.',
      type: 'final',
    },
  },
});
