import { describe, expect, it } from 'vitest';
import { fromPromise } from 'xstate';
import { deliveryMachine } from '../../machines/delivery.machine.ts';
import { run } from '../../src/kernel/statechart.ts';
import { createSimulatedClock } from '../../src/testing/simulated-clock.ts';
import { unreached } from './paths.ts';

const input = { delayMs: 100, maxDelayMs: 1_000, jitter: 0 };
const passing = new Error('no answer');
const lasting = new Error('no such mailbox');
const guards = {
  isPassing: ({ context }: { readonly context: { readonly error: unknown } }) => context.error === passing,
};

type Outcome = boolean | Error | 'never';

/** A delivery whose steps end as told, one outcome for each time they run; without one they succeed. */
function started(
  outcomes: { readonly start?: Outcome[]; readonly send?: Outcome[]; readonly complete?: Outcome[] } = {},
) {
  const clock = createSimulatedClock();
  const steps: string[] = [];
  const ended = async (step: 'start' | 'send' | 'complete', told: string = step) => {
    steps.push(told);
    const outcome = outcomes[step]?.shift() ?? true;
    if (outcome instanceof Error) throw outcome;
    return outcome === 'never' ? new Promise<never>(() => {}) : outcome;
  };
  const driven = deliveryMachine.provide({
    actors: {
      start: fromPromise(() => ended('start')),
      send: fromPromise<void, { readonly attempt: number }>(async ({ input: { attempt } }) => {
        await ended('send', `send ${attempt}`);
      }),
      complete: fromPromise<void>(async () => {
        await ended('complete');
      }),
    },
    guards,
  });
  const machine = run(driven, clock, { input });
  return { clock, machine, steps, state: () => machine.snapshot().value };
}

describe('the delivery machine', () => {
  it('has no state or transition that no path reaches', () => {
    const endless = deliveryMachine.provide({
      actors: {
        start: fromPromise<boolean>(() => new Promise(() => {})),
        send: fromPromise<void, { readonly attempt: number }>(() => new Promise(() => {})),
        complete: fromPromise<void>(() => new Promise(() => {})),
      },
      guards,
    });
    const carried = (type: string) =>
      type.startsWith('xstate.error')
        ? [{ error: passing }, { error: lasting }]
        : [{ output: true }, { output: false }];
    expect(unreached(endless, { inputs: [input], carried, apart: ({ taken }) => taken })).toEqual([]);
  });

  it('makes sure that it is its own, sends, and writes that down', async () => {
    const { clock, state, steps } = started();
    await clock.settle();
    expect(steps).toEqual(['start', 'send 1', 'complete']);
    expect(state()).toBe('delivered');
  });

  it('cedes, and sends nothing, when another worker was first', async () => {
    const { clock, state, steps } = started({ start: [false] });
    await clock.settle();
    expect(steps).toEqual(['start']);
    expect(state()).toBe('ceded');
  });

  it('waits longer each time while the channel does not answer, and makes sure again each time', async () => {
    const { clock, state, steps } = started({ send: [passing, passing] });
    await clock.advance(99);
    expect(steps).toEqual(['start', 'send 1']);
    await clock.advance(1);
    expect(steps).toEqual(['start', 'send 1', 'start', 'send 2']);
    await clock.advance(199);
    expect(state()).toBe('waiting');
    await clock.advance(1);
    expect(steps.slice(4)).toEqual(['start', 'send 3', 'complete']);
    expect(state()).toBe('delivered');
  });

  it('cedes after a wait when another worker took over meanwhile', async () => {
    const { clock, state, steps } = started({ start: [true, false], send: [passing] });
    await clock.advance(100);
    expect(steps).toEqual(['start', 'send 1', 'start']);
    expect(state()).toBe('ceded');
  });

  it('never sends again what the channel has taken, however often writing that down fails', async () => {
    const { clock, state, steps } = started({ complete: [passing, passing, passing] });
    await clock.advance(10_000);
    expect(steps).toEqual(['start', 'send 1', 'complete', 'complete', 'complete', 'complete']);
    expect(state()).toBe('delivered');
  });

  it('waits when the store does not answer at the start', async () => {
    const { clock, state, steps } = started({ start: [passing] });
    await clock.advance(100);
    expect(steps).toEqual(['start', 'start', 'send 2', 'complete']);
    expect(state()).toBe('delivered');
  });

  it.each(['start', 'send', 'complete'] as const)(
    'is rejected, with the reason, when %s fails for good',
    async (step) => {
      const { clock, machine, state } = started({ [step]: [lasting] });
      await clock.settle();
      expect(state()).toBe('rejected');
      expect(machine.snapshot().context.error).toBe(lasting);
      expect(clock.waiting).toBe(0);
    },
  );

  it('goes on at once when what it waited for is there again', async () => {
    const { clock, machine, state } = started({ send: [passing] });
    await clock.settle();
    machine.send({ type: 'retry.due' });
    await clock.settle();
    expect(state()).toBe('delivered');
    expect(clock.waiting).toBe(0);
  });

  it.each([
    ['starting', { start: ['never'] }],
    ['sending', { send: ['never'] }],
    ['completing', { complete: ['never'] }],
    ['waiting', { send: [passing] }],
  ] as const)('stops while %s, and leaves no timer', async (value, outcomes) => {
    const { clock, machine, state } = started(
      Object.fromEntries(Object.entries(outcomes).map(([step, list]) => [step, [...list]])),
    );
    await clock.settle();
    expect(state()).toBe(value);
    machine.send({ type: 'stop' });
    expect(state()).toBe('stopped');
    expect(clock.waiting).toBe(0);
  });
});
