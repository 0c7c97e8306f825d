import { fromPromise } from 'xstate';
import { workerMachine } from '../../machines/worker.machine.ts';
import { asFailure, failure } from '../kernel/errors.ts';
import { run, stateName } from '../kernel/statechart.ts';
import type { CommandPath } from './command-path.ts';
import type { RuntimeContext } from './context.ts';
import type { EventPath } from './event-path.ts';
import type { Housekeeping } from './housekeeping.ts';

/** The life of one process, from start to exit. */
export interface Worker {
  start(): Promise<void>;
  onDrain(stop: () => Promise<void>): void;
  drain(): Promise<void>;
}

interface Parts {
  readonly commandPath: CommandPath;
  readonly eventPath: EventPath;
  readonly housekeeping: Housekeeping;
}

/** Drives the worker machine: each of its steps is one line here. */
export function createWorker(context: RuntimeContext, { commandPath, eventPath, housekeeping }: Parts): Worker {
  const { store, bus, clock, logger, settings } = context;
  const doors: (() => Promise<void>)[] = [];
  // Draining what never was started must not start it.
  let wanted = false;
  const step = (task: () => unknown) => fromPromise<void>(async () => void (await task()));

  const machine = workerMachine.provide({
    actors: {
      start: step(async () => {
        if (!wanted) return;
        const warnings = await store.warnings().catch(() => []);
        for (const warning of warnings) logger.warn({ provider: store.provider }, warning);
        await eventPath.start();
        housekeeping.start();
      }),
      stopHttp: step(() => Promise.all(doors.map((stop) => stop()))),
      stopSubscriptions: step(async () => {
        housekeeping.stop();
        await eventPath.stop();
      }),
      emptyMailboxes: step(() => commandPath.supervisor.drain()),
      flushCommitter: step(() => commandPath.committer.flushed()),
      saveSnapshots: step(() => commandPath.snapshotter.flush()),
      closeBus: step(() => bus.close()),
      closeStore: step(async () => {
        commandPath.breaker.stop();
        await store.close();
      }),
    },
  });
  let running: ReturnType<typeof begin> | undefined;

  function begin() {
    return run(machine, clock, { input: { shutdownTimeoutMs: settings.shutdownTimeoutMs } });
  }

  /** Resolves with the first state of the machine that fits. */
  function reached(fits: (value: unknown) => boolean): Promise<void> {
    running ??= begin();
    const { snapshot, subscribe } = running;
    return new Promise((resolve) => {
      if (fits(snapshot().value)) return resolve();
      const forget = subscribe(({ value }) => {
        if (!fits(value)) return;
        forget();
        resolve();
      });
    });
  }

  function firstFault(): void {
    const [fault] = running?.snapshot().context.faults ?? [];
    if (fault !== undefined)
      throw asFailure(fault.error, 'INTERNAL', { expected: `the step ${fault.step} to succeed` });
  }

  return {
    async start() {
      wanted = true;
      await reached((value) => value !== 'starting');
      firstFault();
    },
    onDrain(stop) {
      doors.push(stop);
    },
    async drain() {
      running ??= begin();
      let last = running.snapshot();
      running.subscribe((next) => {
        if (next.status === 'active') last = next;
      });
      if (running.snapshot().status === 'active') running.send({ type: 'drain' });
      await reached((value) => value === 'stopped' || value === 'aborted');
      firstFault();
      if (!running.snapshot().context.aborted) return;
      throw failure('DRAINING', {
        expected: `everything to end within ${settings.shutdownTimeoutMs} ms`,
        found: `${stateName(last)} still under way`,
        remedy: 'What was in flight is found again by its command ids.',
      });
    },
  };
}
