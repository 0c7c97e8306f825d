import { expect, test } from 'vitest';
import { aggregateLifecycleMachine } from '../../machines/aggregate-lifecycle.machine.ts';
import { initial, step } from '../../src/kernel/statechart.ts';
import { createSharedSteps } from '../../src/runtime/shared-steps.ts';

const types = [
  'command.received',
  'hydrated',
  'hydration.failed',
  'hydration.abandoned',
  'race.lost',
  'tail.read',
  'committed.all',
  'fold.failed',
  'state.doubtful',
  'idle.timeout',
  'evicted',
  'passivated',
  'restart.due',
  'budget.spent',
] as const;

test('shared steps go wherever the machine goes, through one snapshot for each of its states', () => {
  const steps = createSharedSteps(aggregateLifecycleMachine);
  const reached = new Map([[steps.initial, initial(aggregateLifecycleMachine)]]);
  for (const [shared, own] of reached) {
    expect(reached.size).toBeLessThan(20);
    for (const type of types) {
      const next = step(aggregateLifecycleMachine, own, { type });
      for (const again of [steps.next(shared, type), steps.next(shared, type)]) {
        expect([again.value, again.status, [...again.tags]]).toEqual([next.value, next.status, [...next.tags]]);
        if (!reached.has(again)) reached.set(again, next);
      }
    }
  }
  // The eight of machines/README.md.
  expect(reached.size).toBe(8);
  expect(new Set([...reached.keys()].map(({ value }) => JSON.stringify(value))).size).toBe(8);
});

test('an event that is not taken gives the very same snapshot', () => {
  const steps = createSharedSteps(aggregateLifecycleMachine);
  expect(steps.next(steps.initial, 'passivated')).toBe(steps.initial);
});
