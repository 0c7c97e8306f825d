import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startMailServer } from '../adapters/channels/mail-server.ts';
import { freePort } from '../servers/free-port.ts';
import { ask, serve } from './process.ts';

test('a mail server that is away: the breaker opens and shows, nothing is given up, then each mail comes once', {
  timeout: 150_000,
}, async ({ onTestFinished }) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'statewright-mail-outage-'));
  onTestFinished(() => rm(dataDir, { recursive: true }));
  const port = await freePort();
  const serving = await serve(dataDir, { SMTP_URL: `smtp://127.0.0.1:${port}` });
  onTestFinished(async () => void (await serving.stop()));
  const get = (path: string) => ask(serving.url, path).then(({ json }) => json);

  const addresses = Array.from({ length: 5 }, (_, n) => `ada-${n}@example.com`);
  for (const email of addresses) {
    const body = { email, firstName: 'Ada', lastName: 'Lovelace' };
    expect((await ask(serving.url, '/users', { body })).status).toBe(202);
  }
  const opens = { timeout: 60_000, interval: 100 };
  await expect
    .poll(() => get('/events/metrics'), opens)
    .toMatchObject({ data: { breakers: { 'channel.smtp': 'open' } } });
  expect(await get('/health')).toMatchObject({ parts: { 'channel.smtp': { status: 'degraded' } } });
  expect((await get('/dead-letters')).data).toEqual([]);

  const mail = await startMailServer({}, port);
  onTestFinished(mail.close);
  const received = () => mail.received.flatMap(({ to }) => to).sort();
  await expect.poll(received, { timeout: 90_000, interval: 200 }).toEqual(addresses);
  await expect.poll(() => get('/health'), opens).toMatchObject({ status: 'up' });
  expect(received()).toEqual(addresses);
});
