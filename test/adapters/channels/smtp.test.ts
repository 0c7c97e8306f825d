import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { smtpChannel } from '../../../src/adapters/channels/smtp.ts';
import type { Channel } from '../../../src/ports/channel.ts';
import { startMailServer } from './mail-server.ts';
import { message } from './messages.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function mailServer(...given: Parameters<typeof startMailServer>) {
  const server = await startMailServer(...given);
  ends.push(server.close);
  return server;
}

function channelTo(port: number, credentials = ''): Channel {
  const channel = smtpChannel({
    url: `smtp://${credentials}127.0.0.1:${port}`,
    from: 'no-reply@shop.example',
    timeoutMs: 500,
    render: ({ template, data }) => {
      if (template !== 'welcome') throw new Error(`no template ${template}`);
      return { subject: `Hello ${data.firstName}`, text: `Hi ${data.firstName}`, html: `<p>Hi ${data.firstName}</p>` };
    },
  });
  ends.push(() => channel.close());
  return channel;
}

const refusing = (responseCode: number) => Object.assign(new Error('no'), { responseCode });

test('a mail arrives with its Message-ID, subject, text and HTML', async () => {
  const server = await mailServer();
  await channelTo(server.port).deliver(message());
  const [mail] = server.received;
  expect(mail).toMatchObject({ from: 'no-reply@shop.example', to: ['ada@example.com'] });
  expect(mail?.text).toContain(`Message-ID: <${message().id}@shop.example>`);
  expect(mail?.text).toContain('Subject: Hello Ada');
  expect(mail?.text).toContain('Content-Type: text/plain');
  expect(mail?.text).toContain('<p>Hi Ada</p>');
});

test('a server that is down is an outage, and mails go out once it is up', async () => {
  const gone = await mailServer();
  await gone.close();
  const channel = channelTo(gone.port);
  await expect(channel.deliver(message())).rejects.toMatchObject({ code: 'CHANNEL_UNAVAILABLE' });
  const back = await mailServer({}, gone.port);
  await channel.deliver(message());
  expect(back.received).toHaveLength(1);
});

test('a server that restarts between two mails loses neither', async () => {
  const first = await mailServer();
  const channel = channelTo(first.port);
  await channel.deliver(message());
  await first.close();
  const second = await mailServer({}, first.port);
  await expect
    .poll(() =>
      channel.deliver(message()).then(
        () => second.received.length,
        () => 0,
      ),
    )
    .toBe(1);
});

test('a mailbox that is busy (450) is an outage, then takes the mail', async () => {
  let tries = 0;
  const server = await mailServer({
    onRcptTo: (_address, _session, done) => done(++tries === 1 ? refusing(450) : null),
  });
  const channel = channelTo(server.port);
  await expect(channel.deliver(message())).rejects.toMatchObject({ code: 'CHANNEL_UNAVAILABLE' });
  await channel.deliver(message());
  expect(server.received).toHaveLength(1);
});

test('an unknown recipient (550) and a refused text (554) are rejected for good, with the reason', async () => {
  const recipient = await mailServer({ onRcptTo: (_address, _session, done) => done(refusing(550)) });
  await expect(channelTo(recipient.port).deliver(message())).rejects.toMatchObject({
    code: 'CHANNEL_REJECTED',
    message: expect.stringContaining('550'),
  });
  const text = await mailServer({
    onData: (stream, _session, done) => void buffer(stream).then(() => done(refusing(554))),
  });
  await expect(channelTo(text.port).deliver(message())).rejects.toMatchObject({ code: 'CHANNEL_REJECTED' });
});

test('what every mail would meet is an outage, also with a 5xx: greeting, login, sender', async () => {
  const greeting = await mailServer({ onConnect: (_session, done) => done(refusing(554)) });
  const login = await mailServer({
    authOptional: false,
    allowInsecureAuth: true,
    onAuth: (_auth, _session, done) => done(refusing(535)),
  });
  const sender = await mailServer({ onMailFrom: (_address, _session, done) => done(refusing(553)) });
  for (const channel of [channelTo(greeting.port), channelTo(login.port, 'ada:wrong@'), channelTo(sender.port)]) {
    await expect(channel.deliver(message())).rejects.toMatchObject({ code: 'CHANNEL_UNAVAILABLE' });
  }
});

test('a server that never answers is given up after the time-out', async () => {
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => sockets.add(socket.on('error', () => {}))).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  ends.push(() => {
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
  const channel = channelTo((silent.address() as AddressInfo).port);
  await expect(channel.deliver(message())).rejects.toMatchObject({ code: 'CHANNEL_UNAVAILABLE' });
});

test('an address that would add a recipient or a header is rejected before anything is sent', async () => {
  const server = await mailServer();
  const channel = channelTo(server.port);
  const addresses = [
    'a@example.com, b@example.com',
    'a@example.com\r\nBcc: b@example.com',
    'A <a@example.com>',
    'nobody',
    'a@b@example.com',
  ];
  for (const to of addresses) {
    await expect(channel.deliver(message({ to }))).rejects.toMatchObject({ code: 'CHANNEL_REJECTED' });
  }
  expect(server.received).toEqual([]);
});

test('a name with line breaks adds no header', async () => {
  const server = await mailServer();
  await channelTo(server.port).deliver(message({ data: { firstName: 'Ada\r\nBcc: eve@example.com' } }));
  expect(server.received[0]?.to).toEqual(['ada@example.com']);
  const [headers] = server.received[0]?.text.split('\r\n\r\n') ?? [];
  expect(headers).toContain('Subject: Hello Ada Bcc: eve@example.com');
  expect(headers).not.toMatch(/^Bcc:/m);
});

test('a template that cannot be rendered is rejected with its name', async () => {
  const server = await mailServer();
  await expect(channelTo(server.port).deliver(message({ template: 'unheard' }))).rejects.toMatchObject({
    code: 'CHANNEL_REJECTED',
    message: expect.stringContaining('unheard'),
  });
});
