import { describe, expect, it } from 'vitest';
import { assign, fromPromise, setup } from 'xstate';
import {
  advance,
  can,
  initial,
  persist,
  restore,
  run,
  stateName,
  step,
  structure,
} from '../../src/kernel/statechart.ts';
import { createSimulatedClock } from '../../src/testing/simulated-clock.ts';

const lamp = setup({
  types: {} as { context: { turns: number }; events: { type: 'turn' } | { type: 'break' } },
  actions: {
    count: assign({ turns: ({ context }) => context.turns + 1 }),
    fail: () => {
      throw new Error('broken');
    },
  },
  delays: { patience: 60_000 },
}).createMachine({
  id: 'lamp',
  context: { turns: 0 },
  initial: 'off',
  states: {
    off: { on: { turn: { target: 'on', actions: 'count' }, break: { actions: 'fail' } } },
    on: { after: { patience: 'off' }, on: { turn: 'off' } },
  },
});

describe('step', () => {
  it('gives the next snapshot and leaves the first as it was', () => {
    const off = initial(lamp);
    const on = step(lamp, off, { type: 'turn' });
    expect([off.value, on.value, on.context.turns]).toEqual(['off', 'on', 1]);
    expect(step(lamp, on, { type: 'break' })).toBe(on);
    expect([can(off, { type: 'break' }), can(on, { type: 'break' })]).toEqual([true, false]);
  });

  it('can be taken within a step', () => {
    const outer = setup({ types: {} as { context: { inner: string }; events: { type: 'go' } } }).createMachine({
      context: { inner: '' },
      on: { go: { actions: assign({ inner: () => String(step(lamp, initial(lamp), { type: 'turn' }).value) }) } },
    });
    const { next, taken } = advance(outer, initial(outer), { type: 'go' });
    expect(next.context.inner).toBe('on');
    expect(taken.map(({ eventType }) => eventType)).toEqual(['go']);
  });
});

describe('advance', () => {
  it('tells what was taken, what followed by itself, and what is not handled', () => {
    const machine = setup({ types: {} as { events: { type: 'go' } } }).createMachine({
      initial: 'a',
      states: { a: { on: { go: 'b' } }, b: { always: 'c' }, c: {} },
    });
    const first = advance(machine, initial(machine), { type: 'go' });
    expect([first.next.value, first.taken.length, first.followed.length]).toEqual(['c', 1, 1]);
    const second = advance(machine, first.next, { type: 'go' });
    expect([second.next === first.next, second.taken.length]).toEqual([true, 0]);
  });
});

describe('history states', () => {
  const player = setup({
    types: {} as { events: { type: 'next' } | { type: 'stop' } | { type: 'play' } },
  }).createMachine({
    initial: 'playing',
    states: {
      playing: {
        initial: 'one',
        states: { one: { on: { next: 'two' } }, two: {}, last: { type: 'history' } },
        on: { stop: 'stopped' },
      },
      stopped: { on: { play: 'playing.last' } },
    },
  });

  it('remember through JSON', () => {
    const stopped = step(player, step(player, initial(player), { type: 'next' }), { type: 'stop' });
    const restored = restore(player, JSON.parse(JSON.stringify(persist(stopped))));
    expect(persist(restored)).toEqual(persist(stopped));
    expect(stateName(step(player, restored, { type: 'play' }))).toBe('playing.two');
  });
});

describe('structure', () => {
  it('is JSON without the text of functions', () => {
    expect(structure(lamp)).toMatchObject({
      id: 'lamp',
      states: { off: { on: { turn: { target: 'on', actions: 'count' } } } },
    });
    expect(JSON.stringify(structure(lamp))).not.toContain('=>');
  });
});

describe('run', () => {
  it('waits on the clock it is given, and for nothing after stop', async () => {
    const clock = createSimulatedClock();
    const running = run(lamp, clock);
    const seen: unknown[] = [];
    const unsubscribe = running.subscribe((snapshot) => seen.push(snapshot.value));
    running.send({ type: 'turn' });
    await clock.advance(59_999);
    expect(running.snapshot().value).toBe('on');
    await clock.advance(1);
    expect(running.snapshot().value).toBe('off');
    unsubscribe();
    running.send({ type: 'turn' });
    expect(seen).toEqual(['on', 'off']);
    running.stop();
    running.stop();
    expect(clock.waiting).toBe(0);
  });

  it('takes input, and tells what an action threw', () => {
    const errors: unknown[] = [];
    const running = run(lamp, createSimulatedClock(), { onError: (error) => errors.push(error) });
    running.subscribe(() => {});
    running.send({ type: 'break' });
    expect(errors).toEqual([new Error('broken')]);
    expect(running.snapshot().status).toBe('error');
  });

  it('tells what an invocation threw that no transition answers', async () => {
    const worker = setup({
      types: {} as { input: { fault: string } },
      actors: { work: fromPromise<void, string>(({ input }) => Promise.reject(new Error(input))) },
    }).createMachine({
      context: ({ input }) => input,
      invoke: { src: 'work', input: ({ context }) => (context as { fault: string }).fault },
    });
    const clock = createSimulatedClock();
    const errors: unknown[] = [];
    run(worker, clock, { input: { fault: 'no' }, onError: (error) => errors.push(error) });
    await clock.settle();
    expect(errors).toEqual([new Error('no')]);
  });
});
