import { expect, test } from 'vitest';
import { mailsIn } from '../../src/app/mails.ts';
import { notifications } from '../../src/app/notifications.ts';
import { createTokens } from '../../src/app/tokens.ts';
import type { RecordedEvent } from '../../src/kernel/message.ts';
import type { ChannelMessage } from '../../src/ports/channel.ts';
import { recorded } from './recorded.ts';

const tokens = createTokens({ secret: 'a secret of more than thirty-two characters' });
const definitions = notifications({ frontendUrl: 'https://shop.example', tokens });
const requestsOf = (event: RecordedEvent) =>
  definitions
    .filter(({ on }) => on === `${event.stream.type}.${event.type}`)
    .flatMap((definition) => definition.requests(event).map((request) => ({ definition, request })));

const placed = {
  userId: 'u1',
  customerEmail: 'ada@example.com',
  orderNumber: 'ORD-7',
  total: 3_998,
  items: [{ sku: 's', name: 'A <b>bold</b> book', quantity: 2, unitPrice: 1_999 }],
};
const shipment = { trackingNumber: 'T1', trackingUrl: 'https://dhl.example/T1', estimatedDelivery: '2026-01-05' };

test('a new user is welcomed, with a link that is signed only when the mail leaves', async () => {
  const event = recorded('User', 'UserCreated', { email: ' ada@example.com', firstName: 'Ada', lastName: 'L' });
  const [sent] = requestsOf(event);
  expect(sent?.request).toEqual({
    type: 'email',
    to: 'ada@example.com',
    template: 'welcome',
    data: { firstName: 'Ada' },
    metadata: { userId: 'u1' },
  });
  const added = await sent?.definition.enrich?.welcome?.(sent.request);
  const url = new URL(String(added?.verificationUrl));
  expect(url.origin + url.pathname).toBe('https://shop.example/verify-email');
  const token = url.searchParams.get('token') ?? '';
  await tokens.verify(token, { purpose: 'verify-email', userId: 'u1', email: 'ada@example.com' });
});

test('a verified email is confirmed with the way to the dashboard', () => {
  const [sent] = requestsOf(recorded('User', 'EmailVerified', { email: 'ada@example.com', verifiedAt: '' }));
  expect(sent?.request).toMatchObject({
    to: 'ada@example.com',
    template: 'email-verified',
    data: { dashboardUrl: 'https://shop.example/dashboard' },
  });
});

test('a completed order is confirmed to the customer', () => {
  const [sent] = requestsOf(recorded('Order', 'OrderCompleted', placed, 1, 'o1'));
  expect(sent?.request).toEqual({
    type: 'email',
    to: 'ada@example.com',
    template: 'order-confirmation',
    data: {
      orderNumber: 'ORD-7',
      total: 3_998,
      items: placed.items,
      trackingUrl: 'https://shop.example/orders/ORD-7/track',
    },
    metadata: { userId: 'u1', orderId: 'o1' },
  });
});

test('a shipped order is told twice: by email to the customer and by push to the user', () => {
  const { userId, customerEmail, orderNumber } = placed;
  const event = recorded('Order', 'OrderShipped', { ...shipment, userId, customerEmail, orderNumber }, 1, 'o1');
  expect(requestsOf(event).map(({ request }) => request)).toEqual([
    {
      type: 'email',
      to: 'ada@example.com',
      template: 'order-shipped',
      data: { orderNumber, ...shipment },
      metadata: { userId: 'u1', orderId: 'o1' },
    },
    {
      type: 'push',
      to: 'u1',
      template: 'order-shipped-push',
      data: { title: expect.any(String), body: expect.stringContaining('2026-01-05'), orderNumber },
      metadata: { userId: 'u1', orderId: 'o1' },
    },
  ]);
});

test('nothing else sends anything', () => {
  expect(definitions.map(({ on }) => on).sort()).toEqual([
    'Order.OrderCompleted',
    'Order.OrderShipped',
    'User.EmailVerified',
    'User.UserCreated',
  ]);
});

const message = (template: string, data: ChannelMessage['data']): ChannelMessage => ({
  id: 'n1',
  kind: 'email',
  to: 'ada@example.com',
  template,
  data,
  metadata: {},
  requestedAt: '2026-01-01T00:00:00.000Z',
});

test('mails name the money in the currency, exactly, and escape what people wrote', () => {
  const { orderNumber, total, items } = placed;
  const data = { orderNumber, total, items, trackingUrl: 'https://shop.example/?a=1&b="2"' };
  const mail = mailsIn('EUR')(message('order-confirmation', data));
  expect(mail.text).toContain('2 × A <b>bold</b> book at €19.99');
  expect(mail.text).toContain('Total: €39.98');
  expect(mail.html).toContain('A &lt;b&gt;bold&lt;/b&gt; book');
  expect(mail.html).toContain('href="https://shop.example/?a=1&amp;b=&quot;2&quot;"');
  const large = mailsIn('EUR')(message('order-confirmation', { ...data, total: Number.MAX_SAFE_INTEGER }));
  expect(large.text).toContain('€90,071,992,547,409.91');
  expect(mailsIn('JPY')(message('order-confirmation', data)).text).toContain('¥3,998');
});

test('every email that is requested has its mail; an unknown template has none', () => {
  const render = mailsIn('EUR');
  for (const template of ['welcome', 'email-verified', 'order-shipped']) {
    expect(render(message(template, { firstName: 'Ada', verificationUrl: 'u' })).subject).not.toBe('');
  }
  expect(() => render(message('toString', {}))).toThrow('no template');
});
