import { createStore } from '@xstate/store';
import { defineProjection, type EventsOf } from 'statewright';
import { type Static, Type } from 'typebox';
import type { order } from '../../machines/order.machine.ts';
import { foldRow, type RowEvent } from './row-store.ts';

type Orders = EventsOf<typeof order>;

/** One order as the read model shows it; times are ISO 8601 and come from the events. */
export const OrderRow = Type.Object({
  id: Type.String(),
  orderNumber: Type.String(),
  userId: Type.String(),
  customerEmail: Type.String(),
  status: Type.Enum(['placed', 'completed', 'shipped', 'cancelled']),
  items: Type.Array(
    Type.Object({ sku: Type.String(), name: Type.String(), quantity: Type.Integer(), unitPrice: Type.Integer() }),
  ),
  total: Type.Integer({ description: 'in minor units of the currency' }),
  currency: Type.String(),
  placedAt: Type.String(),
  lastUpdated: Type.String(),
  trackingNumber: Type.Optional(Type.String()),
  trackingUrl: Type.Optional(Type.String()),
  estimatedDelivery: Type.Optional(Type.String()),
  cancelledBecause: Type.Optional(Type.String()),
});
export type OrderRow = Static<typeof OrderRow>;

/** Orders, by id and by user. */
export const ordersProjection = defineProjection<OrderRow>({
  name: 'orders',
  on: ['Order.*'],
  key: ({ stream }) => stream.id,
  fold: (row, event) => foldRow(orderRow, row ?? { ...blank, id: event.stream.id }, event),
  index: ({ userId }) => ({ userId }),
  order: ({ placedAt }) => placedAt,
});

const blank: OrderRow = {
  id: '',
  orderNumber: '',
  userId: '',
  customerEmail: '',
  status: 'placed',
  items: [],
  total: 0,
  currency: '',
  placedAt: '',
  lastUpdated: '',
};

const orderRow = createStore({
  context: blank,
  on: {
    OrderPlaced: (row, event: RowEvent<Orders['OrderPlaced']>) => ({
      ...row,
      orderNumber: event.orderNumber,
      userId: event.userId,
      customerEmail: event.customerEmail,
      items: [...event.items],
      total: event.total,
      currency: event.currency,
      placedAt: event.at,
      lastUpdated: event.at,
    }),
    OrderCompleted: (row, { at }: RowEvent<Orders['OrderCompleted']>) => ({
      ...row,
      status: 'completed' as const,
      lastUpdated: at,
    }),
    OrderShipped: (row, event: RowEvent<Orders['OrderShipped']>) => ({
      ...row,
      status: 'shipped' as const,
      trackingNumber: event.trackingNumber,
      trackingUrl: event.trackingUrl,
      estimatedDelivery: event.estimatedDelivery,
      lastUpdated: event.at,
    }),
    OrderCancelled: (row, { reason, at }: RowEvent<Orders['OrderCancelled']>) => ({
      ...row,
      status: 'cancelled' as const,
      cancelledBecause: reason,
      lastUpdated: at,
    }),
  },
});
