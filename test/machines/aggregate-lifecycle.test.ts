import { describe, expect, it } from 'vitest';
import { type AggregateLifecycleEvent, aggregateLifecycleMachine } from '../../machines/aggregate-lifecycle.machine.ts';
import { initial, stateName, step } from '../../src/kernel/statechart.ts';
import { unreached } from './paths.ts';

type Told = AggregateLifecycleEvent['type'];

const start = initial(aggregateLifecycleMachine);

const told = (...types: readonly Told[]) =>
  types.reduce((state, type) => step(aggregateLifecycleMachine, state, { type }), start);

/** Where it is, and what it says of itself. */
const shown = (...types: readonly Told[]) => {
  const state = told(...types);
  return [stateName(state), ...[...state.tags].sort()];
};

const idle: readonly Told[] = ['command.received', 'hydrated'];
const busy: readonly Told[] = [...idle, 'command.received'];
const restarting: readonly Told[] = ['command.received', 'hydration.failed'];

describe('the lifecycle of an aggregate', () => {
  it('has no state or transition that no path reaches', () => {
    expect(unreached(aggregateLifecycleMachine, {})).toEqual([]);
  });

  it('is cold until a command comes, which waits while it hydrates', () => {
    expect(shown()).toEqual(['cold']);
    expect(shown('command.received')).toEqual(['hydrating', 'queueing']);
    expect(shown('command.received', 'command.received')).toEqual(['hydrating', 'queueing']);
  });

  it('decides commands as they come once it is hydrated', () => {
    expect(shown(...idle)).toEqual(['resident.idle', 'deciding', 'resident']);
    expect(shown(...busy)).toEqual(['resident.busy.current', 'deciding', 'resident']);
    expect(shown(...busy, 'committed.all')).toEqual(['resident.idle', 'deciding', 'resident']);
  });

  it('lets commands wait while it reads what another writer appended', () => {
    expect(shown(...busy, 'race.lost')).toEqual(['resident.busy.outrun', 'queueing', 'resident']);
    expect(shown(...busy, 'race.lost', 'command.received')).toEqual(['resident.busy.outrun', 'queueing', 'resident']);
    expect(shown(...busy, 'race.lost', 'tail.read')).toEqual(['resident.busy.current', 'deciding', 'resident']);
  });

  it.each(['idle.timeout', 'evicted'] as const)(
    'passivates on %s when nothing waits, never when it is busy',
    (cause) => {
      expect(shown(...idle, cause)).toEqual(['resident.passivating', 'deciding', 'resident']);
      expect(shown(...idle, cause, 'passivated')).toEqual(['cold']);
      expect(shown(...busy, cause)).toEqual(shown(...busy));
    },
  );

  it('is called back by a command that meets it passivating, and forgets that it was to go', () => {
    const met = [...idle, 'idle.timeout', 'command.received'] as const;
    expect(shown(...met)).toEqual(['resident.busy.current', 'deciding', 'resident']);
    expect(shown(...met, 'passivated')).toEqual(['resident.busy.current', 'deciding', 'resident']);
  });

  it('becomes cold, without blame, when the history can’t be read', () => {
    expect(shown('command.received', 'hydration.abandoned')).toEqual(['cold']);
    for (const state of [idle, busy, [...busy, 'race.lost'] as const]) {
      expect(shown(...state, 'state.doubtful')).toEqual(['cold']);
    }
  });

  it('restarts when its recorded events can’t be folded, and lets commands wait meanwhile', () => {
    expect(shown(...restarting)).toEqual(['restarting', 'queueing']);
    expect(shown(...busy, 'race.lost', 'fold.failed')).toEqual(['restarting', 'queueing']);
    expect(shown(...restarting, 'restart.due')).toEqual(['hydrating', 'queueing']);
  });

  it('is quarantined for good when the budget of restarts is spent', () => {
    const quarantined = told(...restarting, 'budget.spent');
    expect([stateName(quarantined), quarantined.status]).toEqual(['quarantined', 'done']);
    expect(shown(...restarting, 'budget.spent', 'command.received', 'restart.due')).toEqual(['quarantined']);
  });
});
