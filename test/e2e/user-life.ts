import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask, type Serving, serve } from './process.ts';

/** Where a life is lived. */
export interface LifeOptions {
  /** Of the server, besides `DATA_DIR` and `PORT`. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Whether the store survives the process. */
  readonly durable: boolean;
  /** Removes every read model from the store, behind the application's back. */
  forgetReadModels?(dataDir: string): Promise<void>;
}

interface Sent {
  readonly id: string;
  readonly template: string;
  readonly to: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, string>>;
}

const ada = { email: 'Ada@Example.com', firstName: 'Ada', lastName: 'Lovelace' };
const items = [
  { sku: 'book', name: 'Sketch of the Analytical Engine', quantity: 2, unitPrice: 1_999 },
  { sku: 'pen', name: 'A pen', quantity: 1, unitPrice: 250 },
];
const shipment = { trackingNumber: 'T1', trackingUrl: 'https://post.example/T1', estimatedDelivery: '2026-12-24' };

/** The life of one user over HTTP, step by step: each test goes on where the one before ended. */
export function liveALife({ environment = {}, durable, forgetReadModels }: LifeOptions): void {
  let dataDir: string;
  let server: Serving;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'statewright-life-'));
    server = await serve(dataDir, environment);
  });
  afterAll(async () => {
    await server.stop();
    await rm(dataDir, { recursive: true });
  });

  const get = (path: string) => ask(server.url, path);
  const post = (path: string, body: object = {}) => ask(server.url, path, { body });

  /** What the file channel has, once it has so many about this user. */
  async function sentTo(userId: string, count: number): Promise<readonly Sent[]> {
    const read = async () => {
      const lines = (await readFile(join(dataDir, 'notifications.jsonl'), 'utf8').catch(() => ''))
        .split('\n')
        .slice(0, -1);
      return lines.map((line): Sent => JSON.parse(line)).filter(({ metadata }) => metadata.userId === userId);
    };
    await expect.poll(async () => (await read()).length, { timeout: 20_000 }).toBeGreaterThanOrEqual(count);
    return read();
  }

  let id: string;
  let orderId: string;
  let position: number;

  test('a user is created, and shows in the read model once it has seen the answer’s position', async () => {
    const created = await post('/users', ada);
    expect(created).toMatchObject({ status: 202, json: { message: 'User creation initiated', version: 1 } });
    expect(created.json.events).toMatchObject([{ type: 'UserCreated', data: ada, meta: { source: 'user-service' } }]);
    id = created.json.aggregateId;
    const { json } = await get(`/users/${id}?waitFor=${created.json.position}`);
    expect(json.data).toMatchObject({
      id,
      email: ada.email,
      fullName: 'Ada Lovelace',
      isActive: true,
      emailVerified: false,
    });
  });

  test('the same email, spelled otherwise, is refused with what would be legal', async () => {
    const refused = await post('/users', { ...ada, email: ' ada@example.COM ' });
    expect(refused).toMatchObject({ status: 409, json: { code: 'EMAIL_TAKEN', status: 409 } });
  });

  test('of fifty at once with one email, one is created and forty-nine are refused', async () => {
    const one = { email: 'grace@example.com', firstName: 'Grace', lastName: 'Hopper' };
    const statuses = (await Promise.all(Array.from({ length: 50 }, () => post('/users', one)))).map(
      ({ status }) => status,
    );
    expect(statuses.filter((status) => status === 202)).toHaveLength(1);
    expect(statuses.filter((status) => status === 409)).toHaveLength(49);
  });

  test('the token in the mail verifies the email; another’s or a changed one does not', async () => {
    const [welcome] = await sentTo(id, 1);
    expect(welcome).toMatchObject({ template: 'welcome', to: ada.email, data: { firstName: 'Ada' } });
    const token = new URL(String(welcome?.data.verificationUrl)).searchParams.get('token') ?? '';
    expect((await post(`/users/${id}/verify-email`, { token: `${token}x` })).status).toBe(403);
    const grace = (await get('/users/search?q=hopper')).json.data[0]?.id;
    expect((await post(`/users/${grace}/verify-email`, { token })).status).toBe(403);
    expect(await post(`/users/${id}/verify-email`, { token })).toMatchObject({ status: 202, json: { version: 2 } });
    expect(await post(`/users/${id}/verify-email`, { token })).toMatchObject({
      status: 409,
      json: { code: 'EMAIL_ALREADY_VERIFIED' },
    });
    expect(JSON.stringify((await get('/events?limit=1000')).json)).not.toContain(token);
  });

  test('the profile is updated', async () => {
    const body = { firstName: 'Augusta', lastName: 'King' };
    expect(await ask(server.url, `/users/${id}`, { method: 'PATCH', body })).toMatchObject({
      status: 202,
      json: { version: 3 },
    });
  });

  test('an order is placed, completed and shipped; in another currency or without items it is not', async () => {
    const order = { userId: id, customerEmail: ada.email, items };
    expect((await post('/orders', { ...order, currency: 'USD' })).json).toMatchObject({ code: 'OTHER_CURRENCY' });
    expect((await post('/orders', { ...order, items: [] })).json).toMatchObject({ code: 'NO_ITEMS' });
    expect((await post('/orders', { ...order, items: [{ ...items[0], quantity: -1 }] })).status).toBe(400);
    const placed = await post('/orders', order);
    orderId = placed.json.aggregateId;
    expect((await post(`/orders/${orderId}/ship`, shipment)).json).toMatchObject({ code: 'NOT_COMPLETED' });
    expect((await post(`/orders/${orderId}/complete`)).status).toBe(202);
    expect((await post(`/orders/${orderId}/ship`, shipment)).status).toBe(202);
    expect((await post(`/orders/${orderId}/cancel`, { reason: 'late' })).json).toMatchObject({
      code: 'ALREADY_SHIPPED',
    });
  });

  test('the user is deactivated, and nothing more is accepted', async () => {
    const gone = await post(`/users/${id}/deactivate`, { reason: 'moved away' });
    expect(gone).toMatchObject({ status: 202, json: { version: 4 } });
    position = gone.json.position;
    const late = await ask(server.url, `/users/${id}`, { method: 'PATCH', body: { firstName: 'A', lastName: 'B' } });
    expect(late).toMatchObject({ status: 409, json: { code: 'USER_INACTIVE' } });
  });

  /** Everything that can be asked about the user, as it must be from now on. */
  async function seen() {
    const read = async (path: string) => (await get(path)).json;
    return {
      row: await read(`/users/${id}?waitFor=${position}`),
      orders: await read(`/orders?userId=${id}&waitFor=${position}`),
      order: await read(`/orders/${orderId}?waitFor=${position}`),
      statistics: await read(`/analytics/users?waitFor=${position}`),
      search: await read(`/users/search?q=${encodeURIComponent('ÁUGUSTA k')}&waitFor=${position}`),
      state: await read(`/aggregates/User/${id}`),
      history: await read(`/aggregates/User/${id}/events`),
    };
  }
  let before: Awaited<ReturnType<typeof seen>>;

  test('read model, statistics and history agree', async () => {
    before = await seen();
    const { row, orders, order, statistics, search, state, history } = before;
    expect(row.data).toMatchObject({
      fullName: 'Augusta King',
      isActive: false,
      emailVerified: true,
      totalOrders: 1,
      totalSpent: 4_248,
    });
    expect(order.data).toMatchObject({ userId: id, status: 'shipped', total: 4_248, currency: 'EUR', ...shipment });
    expect(orders.data).toEqual([order.data]);
    expect(search.data).toEqual([row.data]);
    expect(statistics.data).toEqual({ total: 2, active: 1, verified: 1, totalSpent: 4_248 });
    expect(state).toMatchObject({ state: 'inactive', version: 4, status: 'done' });
    const types = ['UserCreated', 'EmailVerified', 'UserProfileUpdated', 'UserDeactivated'];
    expect(history.data.map(({ type }) => type)).toEqual(types);
    expect(row.data.createdAt).toBe(history.data[0]?.meta.occurredAt);
  });

  test('each notification was sent once, to whom it belongs', async () => {
    const sent = await sentTo(id, 5);
    const templates = ['email-verified', 'order-confirmation', 'order-shipped', 'order-shipped-push', 'welcome'];
    expect(sent.map(({ template }) => template).sort()).toEqual(templates);
    expect(new Set(sent.map((each) => each.id)).size).toBe(5);
    const { orderNumber } = before.order.data;
    expect(sent.find(({ template }) => template === 'order-confirmation')).toMatchObject({
      to: ada.email,
      data: { orderNumber, total: 4_248, items, trackingUrl: `http://localhost:3001/orders/${orderNumber}/track` },
      metadata: { orderId, userId: id },
    });
    expect(sent.find(({ template }) => template === 'order-shipped-push')).toMatchObject({
      to: id,
      data: { orderNumber },
    });
  });

  if (durable) {
    test('after a restart all is still there, and nothing is sent again', async () => {
      expect(await server.stop()).toMatchObject({ code: 0 });
      server = await serve(dataDir, environment);
      expect(await seen()).toEqual(before);
      expect(await sentTo(id, 5)).toHaveLength(5);
    });
  }

  if (forgetReadModels !== undefined) {
    test('a read model that is gone is rebuilt, equal', async () => {
      await server.stop();
      await forgetReadModels(dataDir);
      server = await serve(dataDir, environment);
      expect(await seen()).toEqual(before);
    });
  }

  test('a rebuild asked for over HTTP gives the same again', async () => {
    expect((await post('/projections/users/rebuild')).status).toBe(202);
    expect(await seen()).toEqual(before);
  });
}
