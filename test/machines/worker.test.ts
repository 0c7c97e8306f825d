import { describe, expect, it } from 'vitest';
import { fromPromise } from 'xstate';
import { workerMachine } from '../../machines/worker.machine.ts';
import { run } from '../../src/kernel/statechart.ts';
import { createSimulatedClock } from '../../src/testing/simulated-clock.ts';
import { unreached } from './paths.ts';

/** The order of DESIGN, "Drain". */
const drain = [
  'stopHttp',
  'stopSubscriptions',
  'emptyMailboxes',
  'flushCommitter',
  'saveSnapshots',
  'saveCheckpoints',
  'releaseLeases',
  'closeBus',
  'closeStore',
] as const;

type Step = 'start' | (typeof drain)[number];

function withSteps(run: (step: Step) => Promise<void>) {
  const actor = (step: Step) => fromPromise<void>(() => run(step));
  return workerMachine.provide({
    actors: {
      start: actor('start'),
      stopHttp: actor('stopHttp'),
      stopSubscriptions: actor('stopSubscriptions'),
      emptyMailboxes: actor('emptyMailboxes'),
      flushCommitter: actor('flushCommitter'),
      saveSnapshots: actor('saveSnapshots'),
      saveCheckpoints: actor('saveCheckpoints'),
      releaseLeases: actor('releaseLeases'),
      closeBus: actor('closeBus'),
      closeStore: actor('closeStore'),
    },
  });
}

/** A worker whose steps succeed, save the one that fails and the one that never ends. */
function started(
  options: { readonly failing?: Step; readonly hanging?: Step; readonly shutdownTimeoutMs?: number } = {},
) {
  const { failing, hanging, shutdownTimeoutMs = 30_000 } = options;
  const clock = createSimulatedClock();
  const steps: Step[] = [];
  const fault = new Error(`${failing} failed`);
  const driven = withSteps(async (step) => {
    steps.push(step);
    if (step === failing) throw fault;
    if (step === hanging) await new Promise(() => {});
  });
  const machine = run(driven, clock, { input: { shutdownTimeoutMs } });
  return { clock, machine, steps, fault, state: () => machine.snapshot().value };
}

describe('the worker machine', () => {
  it('has no state or transition that no path reaches', () => {
    const endless = withSteps(() => new Promise(() => {}));
    expect(unreached(endless, { inputs: [{ shutdownTimeoutMs: 30_000 }] })).toEqual([]);
  });

  it('runs once it has started', async () => {
    const { clock, state, steps } = started();
    expect(state()).toBe('starting');
    await clock.settle();
    expect(state()).toBe('running');
    expect(steps).toEqual(['start']);
  });

  it('drains in the one order, each step after the one before has ended', async () => {
    const { clock, machine, steps } = started();
    await clock.settle();
    machine.send({ type: 'drain' });
    await clock.settle();
    expect(steps).toEqual(['start', ...drain]);
    expect(machine.snapshot()).toMatchObject({ value: 'stopped', output: { aborted: false, faults: [] } });
    expect(clock.waiting).toBe(0);

    const held = started({ hanging: 'emptyMailboxes' });
    await held.clock.settle();
    held.machine.send({ type: 'drain' });
    await held.clock.settle();
    expect(held.steps.at(-1)).toBe('emptyMailboxes');
  });

  it('drains when it is told so while it starts', async () => {
    const { clock, machine, state, steps } = started({ hanging: 'start' });
    machine.send({ type: 'drain' });
    await clock.settle();
    expect(steps).toEqual(['start', ...drain]);
    expect(state()).toBe('stopped');
  });

  it('being told again to drain changes nothing', async () => {
    const { clock, machine, steps } = started({ hanging: 'saveSnapshots' });
    await clock.settle();
    machine.send({ type: 'drain' });
    await clock.settle();
    const before = [...steps];
    machine.send({ type: 'drain' });
    await clock.settle();
    expect(steps).toEqual(before);
  });

  it.each(['start', ...drain] as const)('goes on when %s fails, and tells so at the end', async (failing) => {
    const { clock, fault, machine, steps } = started({ failing });
    await clock.settle();
    if (failing !== 'start') machine.send({ type: 'drain' });
    await clock.settle();
    expect(steps).toEqual(['start', ...drain]);
    const { value, output } = machine.snapshot();
    expect({ value, output }).toEqual({
      value: 'stopped',
      output: { aborted: false, faults: [{ step: failing, error: fault }] },
    });
  });

  it('gives up a drain that takes too long', async () => {
    const { clock, machine, state } = started({ hanging: 'closeBus', shutdownTimeoutMs: 5_000 });
    await clock.settle();
    machine.send({ type: 'drain' });
    await clock.advance(4_999);
    expect(state()).toEqual({ draining: 'bus' });
    await clock.advance(1);
    expect(machine.snapshot()).toMatchObject({ value: 'aborted', output: { aborted: true } });
  });

  it.each(['start', 'saveSnapshots'] as const)('ends at once when it is aborted during %s', async (hanging) => {
    const { clock, machine, steps } = started({ hanging });
    await clock.settle();
    if (hanging !== 'start') machine.send({ type: 'drain' });
    await clock.settle();
    machine.send({ type: 'abort' });
    await clock.settle();
    expect(machine.snapshot()).toMatchObject({ value: 'aborted', output: { aborted: true } });
    expect(steps.at(-1)).toBe(hanging);
    expect(clock.waiting).toBe(0);
  });
});
