import { expect, test } from 'vitest';
import type { EventBus } from '../../src/ports/event-bus.ts';
import { oneOfThese } from '../../src/runtime/runs-here.ts';

const parts = (crossProcess: boolean) => ({
  projections: [{ name: 'users' }],
  grouped: [{ name: 'notifications' }, { name: 'delivery.email' }],
  bus: { provider: 'a bus', features: { crossProcess, durable: true } } as EventBus,
});

test('without a choice everything runs here', () => {
  expect(oneOfThese(undefined, parts(false))('anything')).toBe(true);
});

test('what is not named runs elsewhere, when the bus gets there', () => {
  const runsHere = oneOfThese(['notifications'], parts(true));
  expect(['users', 'notifications', 'delivery.email'].map(runsHere)).toEqual([false, true, false]);
});

test('an unknown name is told, with the known ones', () => {
  expect(() => oneOfThese(['user'], parts(true))).toThrow(/users, notifications, delivery\.email.*user/);
});

test('a bus within this process can’t leave a grouped subscription to another, but a projection it can', () => {
  expect(() => oneOfThese(['users', 'notifications'], parts(false))).toThrow(/delivery\.email.*within one process/);
  expect(oneOfThese(['notifications', 'delivery.email'], parts(false))('users')).toBe(false);
});
