import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';
import { afterEach, expect, test } from 'vitest';
import { webhookChannel } from '../../../src/adapters/channels/webhook.ts';
import type { Channel } from '../../../src/ports/channel.ts';
import { message } from './messages.ts';

const secret = `whsec_${randomBytes(24).toString('base64')}`;
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

type Answer = (response: ServerResponse, request: IncomingMessage) => void;
const status =
  (code: number, body = ''): Answer =>
  (response) =>
    response.writeHead(code).end(body);

/** A real HTTP server on loopback that gives these answers in turn, the last one from then on. */
async function receiver(answers: readonly Answer[], port = 0) {
  const received: { readonly headers: Record<string, string>; readonly body: string }[] = [];
  const server = createServer(async (request, response) => {
    received.push({ headers: request.headers as Record<string, string>, body: await text(request) });
    answers[Math.min(received.length, answers.length) - 1]?.(response, request);
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  ends.push(close);
  return { port: (server.address() as AddressInfo).port, received, close };
}

function channelTo(port: number): Channel {
  const channel = webhookChannel({ url: `http://127.0.0.1:${port}/hook`, secret, timeoutMs: 500 });
  ends.push(() => channel.close());
  return channel;
}

test('the receiver verifies the signature as Standard Webhooks says and gets the whole message', async () => {
  const { port, received } = await receiver([status(204)]);
  await channelTo(port).deliver(message());
  const [request] = received;
  expect(request?.headers['webhook-id']).toBe(message().id);
  expect(new Webhook(secret).verify(request?.body ?? '', request?.headers ?? {})).toEqual({
    type: 'email.welcome',
    timestamp: message().requestedAt,
    data: message(),
  });
  expect(() => new Webhook(secret).verify(`${request?.body} `, request?.headers ?? {})).toThrow('signature');
});

test.each([500, 503, 429, 408, 302])(
  'an answer %i is an outage; the message goes out once it is over',
  async (code) => {
    const { port, received } = await receiver([status(code), status(200)]);
    const channel = channelTo(port);
    await expect(channel.deliver(message())).rejects.toMatchObject({ code: 'CHANNEL_UNAVAILABLE' });
    await channel.deliver(message());
    expect(received.map(({ headers }) => headers['webhook-id'])).toEqual([message().id, message().id]);
  },
);

test.each([400, 404, 410, 422])('an answer %i is a rejection for good, with what the receiver said', async (code) => {
  const { port } = await receiver([status(code, 'no such customer')]);
  await expect(channelTo(port).deliver(message())).rejects.toMatchObject({
    code: 'CHANNEL_REJECTED',
    message: expect.stringContaining(`${code} no such customer`),
  });
});

test('a redirect is not followed', async () => {
  const other = await receiver([status(200)]);
  const { port } = await receiver([
    (response) => response.writeHead(307, { location: `http://127.0.0.1:${other.port}/` }).end(),
  ]);
  await expect(channelTo(port).deliver(message())).rejects.toMatchObject({ code: 'CHANNEL_UNAVAILABLE' });
  expect(other.received).toEqual([]);
});

test('a receiver that is down is an outage, and messages go out once it is up', async () => {
  const gone = await receiver([status(200)]);
  await gone.close();
  const channel = channelTo(gone.port);
  await expect(channel.deliver(message())).rejects.toMatchObject({
    code: 'CHANNEL_UNAVAILABLE',
    message: expect.stringContaining('ECONNREFUSED'),
  });
  const back = await receiver([status(200)], gone.port);
  await channel.deliver(message());
  expect(back.received).toHaveLength(1);
});

test('a receiver that never answers is given up after the time-out', async () => {
  const { port } = await receiver([() => {}]);
  await expect(channelTo(port).deliver(message())).rejects.toMatchObject({
    code: 'CHANNEL_UNAVAILABLE',
    message: expect.stringContaining('timeout'),
  });
});

test('an answer that never ends is not read to its end', async () => {
  const { port } = await receiver([
    (response) => {
      response.writeHead(422);
      response.write('x'.repeat(1_000));
    },
  ]);
  await expect(channelTo(port).deliver(message())).rejects.toMatchObject({ code: 'CHANNEL_REJECTED' });
});
