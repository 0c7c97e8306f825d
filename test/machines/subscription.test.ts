import { describe, expect, it } from 'vitest';
import {
  type SubscriptionEvent,
  type SubscriptionInput,
  subscriptionMachine,
} from '../../machines/subscription.machine.ts';
import { run, stateName } from '../../src/kernel/statechart.ts';
import { createSimulatedClock } from '../../src/testing/simulated-clock.ts';
import { unreached } from './paths.ts';

const ordered: SubscriptionInput = {
  kind: 'ordered',
  leased: true,
  pollMs: 1_000,
  delayMs: 100,
  maxDelayMs: 300,
  jitter: 0,
};
const grouped: SubscriptionInput = { ...ordered, kind: 'grouped', leased: false };

function started(input: SubscriptionInput) {
  const clock = createSimulatedClock();
  const done: string[] = [];
  const action = (name: string) => () => void done.push(name);
  const driven = subscriptionMachine.provide({
    actions: {
      seekLease: action('seekLease'),
      read: action('read'),
      consume: action('consume'),
      halt: action('halt'),
      release: action('release'),
    },
  });
  const machine = run(driven, clock, { input });
  return {
    clock,
    /** What the driver was asked to do since it was looked at last. */
    asked: () => done.splice(0),
    told(...events: readonly (SubscriptionEvent['type'] | SubscriptionEvent)[]) {
      for (const event of events)
        machine.send(typeof event === 'string' ? ({ type: event } as SubscriptionEvent) : event);
      return stateName(machine.snapshot());
    },
    is: (tag: 'holding' | 'working') => machine.snapshot().hasTag(tag),
  };
}

function reading() {
  const subscription = started(ordered);
  subscription.told('lease.taken');
  subscription.asked();
  return subscription;
}

describe('the subscription machine', () => {
  it('has no state or transition that no path reaches', () => {
    const inputs = [ordered, grouped];
    expect(unreached(subscriptionMachine, { inputs })).toEqual([]);
  });

  it('seeks its lease first, and reads once it holds it', () => {
    const { asked, is, told } = started(ordered);
    expect(told()).toBe('seekingLease');
    expect(asked()).toEqual(['seekLease']);
    expect(is('holding')).toBe(false);
    expect(told('lease.taken')).toBe('holding.catchingUp');
    expect(asked()).toEqual(['read']);
    expect(is('holding') && is('working')).toBe(true);
  });

  it('consumes at once when no lease is needed, and only with the lease when one is', () => {
    const free = started(grouped);
    expect(free.told()).toBe('holding.consuming');
    expect(free.asked()).toEqual(['consume']);

    const leased = started({ ...grouped, leased: true });
    expect(leased.told('woken', 'caught.up')).toBe('seekingLease');
    expect(leased.told('lease.taken')).toBe('holding.consuming');
    expect(leased.asked()).toEqual(['seekLease', 'consume']);
  });

  it('at the end of the log reads on when it is woken', () => {
    const { asked, told } = reading();
    expect(told('caught.up')).toBe('holding.live');
    expect(asked()).toEqual([]);
    expect(told('woken')).toBe('holding.catchingUp');
    expect(asked()).toEqual(['read']);
  });

  it('looks for itself after a silence, not before', async () => {
    const { asked, clock, told } = reading();
    told('caught.up');
    await clock.advance(999);
    expect(asked()).toEqual([]);
    await clock.advance(1);
    expect(asked()).toEqual(['read']);
    expect(told()).toBe('holding.catchingUp');
  });

  it('is not read twice when it is woken while it reads', () => {
    const { asked, told } = reading();
    expect(told('woken', 'advanced', 'woken')).toBe('holding.catchingUp');
    expect(asked()).toEqual([]);
  });

  it('waits longer after each passing failure, up to the bound, and holds its lease meanwhile', async () => {
    const { asked, clock, is, told } = reading();
    for (const waitMs of [100, 200, 300, 300]) {
      expect(told('failed.passing')).toBe('holding.waiting');
      expect([is('holding'), is('working')]).toEqual([true, false]);
      await clock.advance(waitMs - 1);
      expect(asked()).toEqual([]);
      await clock.advance(1);
      expect(asked()).toEqual(['read']);
    }
  });

  it('forgets its failures as soon as it gets on', async () => {
    const { asked, clock, told } = reading();
    told('failed.passing');
    await clock.advance(100);
    told('failed.passing');
    await clock.advance(200);
    asked();
    told('advanced', 'failed.passing');
    await clock.advance(100);
    expect(asked()).toEqual(['read']);
    told('caught.up', 'woken', 'failed.passing');
    asked();
    await clock.advance(100);
    expect(asked()).toEqual(['read']);
  });

  it('waits as long as it was told to, when that is longer', async () => {
    const { asked, clock, told } = reading();
    told({ type: 'failed.passing', atLeastMs: 5_000 });
    await clock.advance(4_999);
    expect(asked()).toEqual([]);
    await clock.advance(1);
    expect(asked()).toEqual(['read']);
  });

  it('goes on at once when what it waited for is there again, without a second start later', async () => {
    const { asked, clock, told } = reading();
    expect(told('failed.passing', 'retry.due')).toBe('holding.catchingUp');
    await clock.advance(60_000);
    expect(asked()).toEqual(['read']);
  });

  it('grouped, halts its consumer while it waits and consumes anew afterwards', async () => {
    const { asked, clock, told } = started(grouped);
    told('subscribed', 'advanced');
    asked();
    expect(told('failed.passing')).toBe('holding.waiting');
    expect(asked()).toEqual(['halt']);
    await clock.advance(100);
    expect(asked()).toEqual(['consume']);
  });

  it('stops at a lasting failure, keeps its lease, and reads on once it is corrected', async () => {
    const { asked, clock, is, told } = reading();
    expect(told('failed.lasting')).toBe('holding.faulty');
    await clock.advance(24 * 60 * 60_000);
    expect(told('woken')).toBe('holding.faulty');
    expect([is('holding'), is('working')]).toEqual([true, false]);
    expect(asked()).toEqual([]);
    expect(told('corrected')).toBe('holding.catchingUp');
    expect(asked()).toEqual(['read']);
  });

  it('forgets, once it is corrected, what failed before', async () => {
    const { asked, clock, told } = reading();
    told('failed.passing', 'retry.due', 'failed.lasting', 'corrected', 'failed.passing');
    asked();
    await clock.advance(100);
    expect(asked()).toEqual(['read']);
  });

  it.each([
    ['reading', [], ['halt', 'seekLease']],
    ['live', ['caught.up'], ['halt', 'seekLease']],
    ['waiting', ['failed.passing'], ['halt', 'seekLease']],
    ['faulty', ['failed.lasting'], ['halt', 'seekLease']],
  ] as const)(
    'gives up what is under way when it loses its lease while %s, and seeks it again',
    async (_, before, expected) => {
      const { asked, clock, is, told } = reading();
      told(...before);
      expect(told('lease.lost')).toBe('seekingLease');
      expect(asked()).toEqual(expected);
      expect(is('holding')).toBe(false);
      await clock.advance(60_000);
      expect(asked()).toEqual([]);
      expect(told('lease.taken')).toBe('holding.catchingUp');
    },
  );

  it('stops from anywhere: halts, releases, and ends when that is done', () => {
    const seeking = started(ordered);
    seeking.asked();
    for (const subscription of [seeking, reading(), started(grouped)]) {
      expect(subscription.told('stop')).toBe('stopping');
      expect(subscription.asked().slice(-2)).toEqual(['halt', 'release']);
      expect(subscription.told('lease.taken', 'woken', 'lease.lost')).toBe('stopping');
      expect(subscription.told('released')).toBe('stopped');
      expect(subscription.clock.waiting).toBe(0);
    }
  });
});
