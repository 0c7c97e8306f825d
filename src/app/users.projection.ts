import { createStore } from '@xstate/store';
import { defineProjection, type EventsOf } from 'statewright';
import { type Static, Type } from 'typebox';
import type { order } from '../../machines/order.machine.ts';
import type { user } from '../../machines/user.machine.ts';
import { foldRow, type RowEvent } from './row-store.ts';

/** One user as the read model shows it; times are ISO 8601 and come from the events. */
export const UserRow = Type.Object({
  id: Type.String(),
  email: Type.String(),
  fullName: Type.String(),
  isActive: Type.Boolean(),
  emailVerified: Type.Boolean(),
  createdAt: Type.String(),
  lastUpdated: Type.String(),
  totalOrders: Type.Integer(),
  totalSpent: Type.Integer({ description: 'in minor units' }),
});
export type UserRow = Static<typeof UserRow>;

type Users = EventsOf<typeof user>;
type Orders = EventsOf<typeof order>;

/** Users: what they are, and what they ordered. An order of a user nobody knows changes nothing. */
export const usersProjection = defineProjection<UserRow>({
  name: 'users',
  on: ['User.*', 'Order.OrderCompleted', 'Order.OrderCancelled'],
  key({ stream, type, data }) {
    if (stream.type === 'User') return stream.id;
    if (type === 'OrderCancelled' && !(data as Orders['OrderCancelled']).wasCompleted) return null;
    return (data as Orders['OrderCompleted' | 'OrderCancelled']).userId;
  },
  fold(row, event) {
    if (row === null && event.type !== 'UserCreated') return null;
    return foldRow(userRow, row ?? { ...blank, id: event.stream.id }, event);
  },
  totals: ({ isActive, emailVerified, totalSpent }) => ({
    total: 1,
    active: isActive ? 1 : 0,
    verified: emailVerified ? 1 : 0,
    totalSpent,
  }),
  search: ({ email, fullName }) => `${email}\n${fullName}`,
  order: ({ createdAt }) => createdAt,
});

const blank: UserRow = {
  id: '',
  email: '',
  fullName: '',
  isActive: true,
  emailVerified: false,
  createdAt: '',
  lastUpdated: '',
  totalOrders: 0,
  totalSpent: 0,
};

const userRow = createStore({
  context: blank,
  on: {
    UserCreated: (row, { email, firstName, lastName, at }: RowEvent<Users['UserCreated']>) => ({
      ...row,
      email,
      fullName: `${firstName} ${lastName}`,
      createdAt: at,
      lastUpdated: at,
    }),
    EmailVerified: (row, { at }: RowEvent<Users['EmailVerified']>) => ({
      ...row,
      emailVerified: true,
      lastUpdated: at,
    }),
    UserProfileUpdated: (row, { firstName, lastName, at }: RowEvent<Users['UserProfileUpdated']>) => ({
      ...row,
      fullName: `${firstName} ${lastName}`,
      lastUpdated: at,
    }),
    UserDeactivated: (row, { at }: RowEvent<Users['UserDeactivated']>) => ({
      ...row,
      isActive: false,
      lastUpdated: at,
    }),
    OrderCompleted: (row, { total, at }: RowEvent<Orders['OrderCompleted']>) => ({
      ...row,
      totalOrders: row.totalOrders + 1,
      totalSpent: row.totalSpent + total,
      lastUpdated: at,
    }),
    OrderCancelled: (row, { total, at }: RowEvent<Orders['OrderCancelled']>) => ({
      ...row,
      totalOrders: row.totalOrders - 1,
      totalSpent: row.totalSpent - total,
      lastUpdated: at,
    }),
  },
});
