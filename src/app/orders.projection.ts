import { createStore } from '@xstate/store';
import { defineProjection, type EventsOf } from 'statewright';
import type { order } from '../../machines/order.machine.ts';
import { foldRow, type RowEvent } from './row-store.ts';

type Orders = EventsOf<typeof order>;

/** One order as the read model shows it. */
export type OrderRow = {
  readonly id: string;
  readonly orderNumber: string;
  readonly userId: string;
  readonly customerEmail: string;
  readonly status: 'placed' | 'completed' | 'shipped' | 'cancelled';
  readonly items: Orders['OrderPlaced']['items'];
  /** In minor units of `currency`. */
  readonly total: number;
  readonly currency: string;
  /** ISO 8601, as the events tell it. */
  readonly placedAt: string;
  readonly lastUpdated: string;
  readonly trackingNumber?: string;
  readonly trackingUrl?: string;
  readonly estimatedDelivery?: string;
  readonly cancelledBecause?: string;
};

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
      items: event.items,
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
