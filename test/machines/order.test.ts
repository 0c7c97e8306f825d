import { describe, expect, it } from 'vitest';
import { order, orderIn } from '../../machines/order.machine.ts';
import { shortCode } from '../../src/kernel/codec.ts';
import { isFailure } from '../../src/kernel/errors.ts';
import { given } from '../../src/testing/given-when-then.ts';

const customer = { userId: 'user-1', customerEmail: 'ada@example.org' };
const items = [
  { sku: 'A1', name: 'Pen', quantity: 3, unitPrice: 199 },
  { sku: 'B2', name: 'Ink', quantity: 1, unitPrice: 0 },
];
const orderNumber = 'ORD-BF21PJ9CMV';
const ordered = { ...customer, orderNumber, total: 597, items };
const placed = { type: 'OrderPlaced', data: { ...ordered, currency: 'EUR' } } as const;
const completed = { type: 'OrderCompleted', data: ordered } as const;
const shipment = { trackingNumber: 'T1', trackingUrl: 'https://post.example/T1', estimatedDelivery: '2026-01-05' };
const shipped = { type: 'OrderShipped', data: { ...shipment, ...customer, orderNumber } } as const;
const cancellation = (wasCompleted: boolean) =>
  ({ type: 'OrderCancelled', data: { reason: 'late', userId: 'user-1', total: 597, wasCompleted } }) as const;

const pending = given(order, [placed]);
const done = given(order, [placed, completed]);
const underway = given(order, [placed, completed, shipped]);
const dropped = given(order, [placed, cancellation(false)]);

describe('an order', () => {
  it('is placed once, with its total and a number that comes from its id and is unique', () => {
    given(order)
      .when('PlaceOrder', { ...customer, items }, { id: 'order-1' })
      .thenEmits(placed)
      .thenState('placed', { total: 597, items });
    given(order)
      .when('PlaceOrder', { ...customer, items }, { id: 'order-2' })
      .thenState('placed', { orderNumber: `ORD-${shortCode('order-2')}` });
    pending
      .when('PlaceOrder', { ...customer, items })
      .thenRefuses('ORDER_EXISTS')
      .thenClaims('order-number:ord-bf21pj9cmv');
  });

  it('has items', () => {
    given(order)
      .when('PlaceOrder', { ...customer, items: [] })
      .thenRefuses('NO_ITEMS');
    for (const wrong of [{ quantity: 0 }, { quantity: 1.5 }, { unitPrice: -1 }, { unitPrice: 0.5 }]) {
      const [item] = items;
      const place = () =>
        given(order).when('PlaceOrder', {
          ...customer,
          items: [{ sku: '', name: '', quantity: 1, unitPrice: 1, ...item, ...wrong }],
        });
      expect(place).toThrow(expect.objectContaining({ code: 'INVALID_COMMAND' }));
    }
  });

  it('is in the one currency', () => {
    given(order)
      .when('PlaceOrder', { ...customer, items, currency: 'EUR' })
      .thenState('placed');
    given(order)
      .when('PlaceOrder', { ...customer, items, currency: 'USD' })
      .thenRefuses('OTHER_CURRENCY');
    given(orderIn('USD'))
      .when('PlaceOrder', { ...customer, items, currency: 'USD' })
      .thenState('placed');
    given(orderIn('USD'))
      .when('PlaceOrder', { ...customer, items, currency: 'EUR' })
      .thenRefuses('OTHER_CURRENCY');
  });

  it('has a total that is exact', () => {
    const priced = (quantity: number, unitPrice: number) => ({
      ...customer,
      items: [{ sku: 'A', name: 'A', quantity, unitPrice }],
    });
    given(order)
      .when('PlaceOrder', priced(1, Number.MAX_SAFE_INTEGER))
      .thenState('placed', { total: Number.MAX_SAFE_INTEGER });
    given(order).when('PlaceOrder', priced(2, Number.MAX_SAFE_INTEGER)).thenRefuses('ORDER_TOO_LARGE');
  });

  it('is completed once, told with all that a mail needs', () => {
    given(order).when('CompleteOrder', {}).thenRefuses('NOT_FOUND');
    pending.when('CompleteOrder', {}).thenEmits(completed).thenState('completed');
    done.when('CompleteOrder', {}).thenRefuses('ALREADY_COMPLETED');
    underway.when('CompleteOrder', {}).thenRefuses('ALREADY_COMPLETED');
    dropped.when('CompleteOrder', {}).thenRefuses('ORDER_CANCELLED');
  });

  it('is shipped once, when completed', () => {
    given(order).when('ShipOrder', shipment).thenRefuses('NOT_FOUND');
    pending.when('ShipOrder', shipment).thenRefuses('NOT_COMPLETED');
    done.when('ShipOrder', shipment).thenEmits(shipped).thenState('shipped');
    underway.when('ShipOrder', shipment).thenRefuses('ALREADY_SHIPPED');
    dropped.when('ShipOrder', shipment).thenRefuses('ORDER_CANCELLED');
  });

  it('is tracked by an address of the web, no script', () => {
    expect(() => done.when('ShipOrder', { ...shipment, trackingUrl: 'javascript:alert(1)' })).toThrow(
      expect.toSatisfy((error) => isFailure(error, 'INVALID_COMMAND')),
    );
  });

  it('is cancelled until it is shipped, and tells whether it was completed', () => {
    given(order).when('CancelOrder', { reason: 'late' }).thenRefuses('NOT_FOUND');
    pending.when('CancelOrder', { reason: 'late' }).thenEmits(cancellation(false)).thenState('cancelled');
    done.when('CancelOrder', { reason: 'late' }).thenEmits(cancellation(true)).thenState('cancelled');
    underway.when('CancelOrder', { reason: 'late' }).thenRefuses('ALREADY_SHIPPED');
    dropped.when('CancelOrder', { reason: 'late' }).thenRefuses('ALREADY_CANCELLED');
  });
});
