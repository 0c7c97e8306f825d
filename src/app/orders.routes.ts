import { commandRoute, type Processor, type Routes } from 'statewright';
import { Type } from 'typebox';
import type { orderIn } from '../../machines/order.machine.ts';
import { OrderRow } from './orders.projection.ts';
import { One, OneQuery, oneOf, Page, PageQuery, pageOf } from './reading.ts';

const tags = ['orders'];
const source = 'order-service';
const Params = Type.Object({ id: Type.String() });
const OrdersQuery = Type.Object({ userId: Type.Optional(Type.String()), ...PageQuery.properties });

export interface OrdersRoutesOptions {
  readonly processor: Processor;
  readonly order: ReturnType<typeof orderIn>;
}

/** Orders: four commands, two reads. */
export function ordersRoutes({ processor, order }: OrdersRoutesOptions): Routes {
  return async (app) => {
    app.post('/orders', commandRoute(order, 'PlaceOrder', { message: 'Order placement initiated', source }));
    app.post(
      '/orders/:id/complete',
      commandRoute(order, 'CompleteOrder', { message: 'Order completion initiated', source }),
    );
    app.post('/orders/:id/ship', commandRoute(order, 'ShipOrder', { message: 'Order shipment initiated', source }));
    app.post(
      '/orders/:id/cancel',
      commandRoute(order, 'CancelOrder', { message: 'Order cancellation initiated', source }),
    );

    app.get(
      '/orders',
      { schema: { summary: 'Orders of a user, or all', tags, querystring: OrdersQuery, response: Page(OrderRow) } },
      async ({ query: { userId, ...page } }) =>
        pageOf<OrderRow>(
          processor,
          'orders',
          page,
          userId === undefined ? undefined : { index: 'userId', value: userId },
        ),
    );
    app.get(
      '/orders/:id',
      { schema: { summary: 'One order', tags, params: Params, querystring: OneQuery, response: One(OrderRow) } },
      async ({ params, query }) => oneOf<OrderRow>(processor, 'orders', params.id, query.waitFor),
    );
  };
}
