import { expect, test } from 'vitest';
import { ordersProjection } from '../../src/app/orders.projection.ts';
import type { Json, RecordedEvent } from '../../src/kernel/message.ts';
import { recorded } from './recorded.ts';

const order = {
  userId: 'u1',
  customerEmail: 'ada@example.com',
  orderNumber: 'ORD-7',
  total: 500,
  items: [{ sku: 's', name: 'n', quantity: 1, unitPrice: 500 }],
};
const placed = recorded('Order', 'OrderPlaced', { ...order, currency: 'EUR' }, 1, 'o1');
const rowAfter = (...events: readonly RecordedEvent[]) =>
  events.reduce<Json>((row, event) => ordersProjection.fold(row, event), null);

test('a placed order shows what the event tells', () => {
  expect(rowAfter(placed)).toEqual({
    id: 'o1',
    ...order,
    currency: 'EUR',
    status: 'placed',
    placedAt: '2026-01-01T10:01:00.000Z',
    lastUpdated: '2026-01-01T10:01:00.000Z',
  });
});

test('completion and shipment show, with the parcel', () => {
  const completed = recorded('Order', 'OrderCompleted', order, 2, 'o1');
  expect(rowAfter(placed, completed)).toMatchObject({ status: 'completed', lastUpdated: '2026-01-01T10:02:00.000Z' });
  const { userId, customerEmail, orderNumber } = order;
  const parcel = { trackingNumber: 'T1', trackingUrl: 'https://post.example/T1', estimatedDelivery: '2026-12-24' };
  const shipped = recorded('Order', 'OrderShipped', { ...parcel, userId, customerEmail, orderNumber }, 3, 'o1');
  expect(rowAfter(placed, completed, shipped)).toMatchObject({ status: 'shipped', ...parcel, items: order.items });
});

test('a cancelled order keeps what it was, and says why it is no more', () => {
  const cancelled = recorded(
    'Order',
    'OrderCancelled',
    { reason: 'late', userId: 'u1', total: 500, wasCompleted: false },
    2,
    'o1',
  );
  expect(rowAfter(placed, cancelled)).toMatchObject({ status: 'cancelled', cancelledBecause: 'late', total: 500 });
});

test('orders are found by their user and page by when they were placed', () => {
  const row = rowAfter(placed);
  expect(ordersProjection.index?.(row)).toEqual({ userId: 'u1' });
  expect(ordersProjection.order?.(row)).toBe('2026-01-01T10:01:00.000Z');
});
