import { expect, test } from 'vitest';
import { usersProjection } from '../../src/app/users.projection.ts';
import type { Json, RecordedEvent } from '../../src/kernel/message.ts';
import { recorded } from './recorded.ts';

const ada = { email: 'Ada@Example.com', firstName: 'Ada', lastName: 'Lovelace' };
const created = recorded('User', 'UserCreated', ada, 1);
const bought = (position: number, total: number, userId = 'u1') =>
  recorded(
    'Order',
    'OrderCompleted',
    { userId, customerEmail: 'a@b', orderNumber: 'O', total, items: [] },
    position,
    'o1',
  );
const cancelled = (position: number, total: number, wasCompleted: boolean) =>
  recorded('Order', 'OrderCancelled', { reason: 'r', userId: 'u1', total, wasCompleted }, position, 'o1');

/** The rows after these events, as the runtime folds them. */
function rowsAfter(events: readonly RecordedEvent[]): Record<string, Json> {
  const rows: Record<string, Json> = {};
  for (const event of events) {
    const key = usersProjection.key(event);
    if (key === null) continue;
    const row = usersProjection.fold(rows[key] ?? null, event);
    if (row !== null) rows[key] = row;
  }
  return rows;
}

test('a user’s row begins with what the event tells, its time too', () => {
  expect(rowsAfter([created])).toEqual({
    u1: {
      id: 'u1',
      email: 'Ada@Example.com',
      fullName: 'Ada Lovelace',
      isActive: true,
      emailVerified: false,
      createdAt: '2026-01-01T10:01:00.000Z',
      lastUpdated: '2026-01-01T10:01:00.000Z',
      totalOrders: 0,
      totalSpent: 0,
    },
  });
});

test('verification, a new name and deactivation show, with the time of each event', () => {
  const name = { firstName: 'Augusta', lastName: 'King', previousFirstName: 'Ada', previousLastName: 'Lovelace' };
  const { u1 } = rowsAfter([
    created,
    recorded('User', 'EmailVerified', { email: ada.email, verifiedAt: '' }, 2),
    recorded('User', 'UserProfileUpdated', name, 3),
    recorded('User', 'UserDeactivated', { reason: 'moved', deactivatedAt: '' }, 4),
  ]);
  expect(u1).toMatchObject({
    emailVerified: true,
    fullName: 'Augusta King',
    isActive: false,
    createdAt: '2026-01-01T10:01:00.000Z',
    lastUpdated: '2026-01-01T10:04:00.000Z',
  });
});

test('completed orders add up, and a cancelled completed one is taken back', () => {
  expect(rowsAfter([created, bought(2, 1_999), bought(3, 1)]).u1).toMatchObject({ totalOrders: 2, totalSpent: 2_000 });
  const after = rowsAfter([created, bought(2, 1_999), bought(3, 1), cancelled(4, 1_999, true)]);
  expect(after.u1).toMatchObject({ totalOrders: 1, totalSpent: 1 });
});

test('an order cancelled before it was completed takes nothing back', () => {
  expect(rowsAfter([created, cancelled(2, 1_999, false)]).u1).toMatchObject({ totalOrders: 0, totalSpent: 0 });
});

test('an order of an unknown user makes no row', () => {
  expect(rowsAfter([bought(1, 5, 'nobody'), cancelled(2, 5, true)])).toEqual({});
});

test('folding changes no row that was given', () => {
  const { u1 } = rowsAfter([created]);
  const before = structuredClone(u1);
  usersProjection.fold(u1 ?? null, bought(2, 5));
  expect(u1).toEqual(before);
});

test('the totals count users, active and verified ones, and what they spent', () => {
  const { u1 } = rowsAfter([created, bought(2, 700), recorded('User', 'EmailVerified', {}, 3)]);
  expect(usersProjection.totals?.(u1 ?? null)).toEqual({ total: 1, active: 1, verified: 1, totalSpent: 700 });
});
