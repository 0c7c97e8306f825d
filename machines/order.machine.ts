import { type Static, Type } from 'typebox';
import { aggregate } from '../src/kernel/aggregate.ts';
import { shortCode } from '../src/kernel/codec.ts';
import { Email, Minor, Nothing, Text, WebAddress } from './schemas.ts';

const Item = Type.Object({
  sku: Text,
  name: Text,
  quantity: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
  unitPrice: Minor,
});
type Items = readonly Readonly<Static<typeof Item>>[];

const Customer = Type.Object({ userId: Text, customerEmail: Email });
const Currency = Type.String({ pattern: '^[A-Z]{3}$' });
const Order = Type.Object({ ...Customer.properties, orderNumber: Text, total: Minor, items: Type.Array(Item) });
const Shipment = Type.Object({ trackingNumber: Text, trackingUrl: WebAddress, estimatedDelivery: Text });
const Cancellation = Type.Object({ reason: Text });

const totalOf = (items: Items) => items.reduce((total, { quantity, unitPrice }) => total + quantity * unitPrice, 0);

/** An order of a user, in minor units of `currency`; its number comes from its id and is unique. */
export function orderIn(currency: string) {
  const { emits, refuse, moves, on, define } = aggregate('Order', {
    commands: {
      PlaceOrder: Type.Object({
        ...Customer.properties,
        items: Type.Array(Item, { maxItems: 1000 }),
        currency: Type.Optional(Currency),
      }),
      CompleteOrder: Nothing,
      ShipOrder: Shipment,
      CancelOrder: Cancellation,
    },
    events: {
      OrderPlaced: Type.Object({ ...Order.properties, currency: Currency }),
      OrderCompleted: Order,
      OrderShipped: Type.Object({ ...Shipment.properties, ...Customer.properties, orderNumber: Text }),
      OrderCancelled: Type.Object({
        ...Cancellation.properties,
        userId: Text,
        total: Minor,
        wasCompleted: Type.Boolean(),
      }),
    },
    context: { userId: '', customerEmail: '', orderNumber: '', total: 0, items: [] as Items },
    claims: ({ orderNumber }) => (orderNumber ? [`order-number:${orderNumber}`] : []),
    claimed: { 'order-number': ['ORDER_NUMBER_TAKEN', 'Another order has this number: use another id.'] },
  });

  const exists = refuse('ORDER_EXISTS', 'The order exists already.');
  const cancelled = refuse('ORDER_CANCELLED', 'The order is cancelled.');
  const shipped = refuse('ALREADY_SHIPPED', 'The order is shipped already.');
  const completed = refuse('ALREADY_COMPLETED', 'The order is completed already.');

  const cancels = (wasCompleted: boolean) =>
    on({
      CancelOrder: emits('OrderCancelled', ({ context: { userId, total }, data }) => ({
        ...data,
        userId,
        total,
        wasCompleted,
      })),
      OrderCancelled: moves('cancelled'),
    });

  return define({
    initial: 'absent',
    states: {
      absent: {
        on: {
          PlaceOrder: [
            refuse('NO_ITEMS', 'An order has at least one item.', ({ data }) => data.items.length === 0),
            refuse(
              'OTHER_CURRENCY',
              `Orders are in ${currency}.`,
              ({ data }) => (data.currency ?? currency) !== currency,
            ),
            refuse(
              'ORDER_TOO_LARGE',
              'The total is too large to be exact.',
              ({ data }) => !Number.isSafeInteger(totalOf(data.items)),
            ),
            emits('OrderPlaced', ({ data, id }) => ({
              ...data,
              currency,
              orderNumber: `ORD-${shortCode(id)}`,
              total: totalOf(data.items),
            })),
          ],
          OrderPlaced: moves('placed', ({ data: { currency: _, ...order } }) => order),
        },
      },
      placed: {
        on: {
          ...cancels(false),
          PlaceOrder: exists,
          CompleteOrder: emits('OrderCompleted', ({ context }) => context),
          OrderCompleted: moves('completed'),
          ShipOrder: refuse('NOT_COMPLETED', 'The order is not completed yet.'),
        },
      },
      completed: {
        on: {
          ...cancels(true),
          PlaceOrder: exists,
          CompleteOrder: completed,
          ShipOrder: emits('OrderShipped', ({ context: { userId, customerEmail, orderNumber }, data }) => ({
            ...data,
            userId,
            customerEmail,
            orderNumber,
          })),
          OrderShipped: moves('shipped'),
        },
      },
      shipped: {
        type: 'final',
        on: { PlaceOrder: exists, CompleteOrder: completed, ShipOrder: shipped, CancelOrder: shipped },
      },
      cancelled: {
        type: 'final',
        on: {
          PlaceOrder: exists,
          CompleteOrder: cancelled,
          ShipOrder: cancelled,
          CancelOrder: refuse('ALREADY_CANCELLED', 'The order is cancelled already.'),
        },
      },
    },
  });
}

/** The reference application's order. */
export const order = orderIn('EUR');
