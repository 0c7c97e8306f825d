import { assign, type ErrorActorEvent, fromPromise, setup } from 'xstate';

export interface WorkerInput {
  /** How long draining may take before it is given up; `Infinity` for as long as it takes. */
  readonly shutdownTimeoutMs: number;
}

export interface WorkerContext extends WorkerInput {
  /** What failed while starting or draining; draining goes on all the same. */
  readonly faults: readonly WorkerFault[];
  readonly aborted: boolean;
}

export interface WorkerFault {
  readonly step: string;
  readonly error: unknown;
}

export type WorkerEvent =
  /** The first signal, or `processor.drain`; again changes nothing. */
  | { readonly type: 'drain' }
  /** The second signal. */
  | { readonly type: 'abort' };

export interface WorkerOutput {
  readonly aborted: boolean;
  readonly faults: readonly WorkerFault[];
}

/**
 * One worker, from start to exit. Draining goes by the one order in which nothing that is still needed is gone already
 * (DESIGN, "Drain"). The driver provides the steps as actors; one that has nothing to do is left as it is.
 */
export const workerMachine = setup({
  types: {} as { context: WorkerContext; input: WorkerInput; events: WorkerEvent; output: WorkerOutput },
  actors: {
    start: nothing(),
    stopHttp: nothing(),
    stopSubscriptions: nothing(),
    emptyMailboxes: nothing(),
    flushCommitter: nothing(),
    saveSnapshots: nothing(),
    saveCheckpoints: nothing(),
    releaseLeases: nothing(),
    closeBus: nothing(),
    closeStore: nothing(),
  },
  actions: {
    noteFault: assign({ faults: ({ context }, fault: WorkerFault) => [...context.faults, fault] }),
    noteAborted: assign({ aborted: true }),
  },
  delays: { shutdownTimeout: ({ context }) => context.shutdownTimeoutMs },
}).createMachine({
  id: 'worker',
  context: ({ input }) => ({ ...input, faults: [], aborted: false }),
  initial: 'starting',
  on: { abort: '.aborted' },
  output: ({ context }) => ({ aborted: context.aborted, faults: context.faults }),
  states: {
    starting: {
      on: { drain: 'draining' },
      invoke: {
        src: 'start',
        onDone: 'running',
        onError: { target: 'draining', actions: { type: 'noteFault', params: faultOf('start') } },
      },
    },
    running: {
      on: { drain: 'draining' },
    },
    draining: {
      after: { shutdownTimeout: 'aborted' },
      initial: 'http',
      states: {
        http: drainStep('stopHttp', 'subscriptions'),
        subscriptions: drainStep('stopSubscriptions', 'mailboxes'),
        mailboxes: drainStep('emptyMailboxes', 'committer'),
        committer: drainStep('flushCommitter', 'snapshots'),
        snapshots: drainStep('saveSnapshots', 'checkpoints'),
        checkpoints: drainStep('saveCheckpoints', 'leases'),
        leases: drainStep('releaseLeases', 'bus'),
        bus: drainStep('closeBus', 'store'),
        store: drainStep('closeStore', '#worker.stopped'),
      },
    },
    stopped: { type: 'final' },
    aborted: {
      type: 'final',
      description: 'Ended at once: what was in flight is found again by its command ids.',
      entry: 'noteAborted',
    },
  },
});

function nothing() {
  return fromPromise<void>(() => Promise.resolve());
}

/** One step of the drain; when it fails that is noted, and the next one follows all the same. */
function drainStep<const Step extends string, const Next extends string>(src: Step, target: Next) {
  const fault = { type: 'noteFault', params: faultOf(src) } as const;
  return { invoke: { src, onDone: target, onError: { target, actions: fault } } } as const;
}

function faultOf(step: string) {
  return ({ event }: { event: ErrorActorEvent }): WorkerFault => ({ step, error: event.error });
}
