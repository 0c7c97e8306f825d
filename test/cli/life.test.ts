import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask, serve, statewright } from '../e2e/process.ts';
import { receiver } from '../e2e/receiver.ts';

let dataDir: string;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'statewright-life-'));
});
afterAll(() => rm(dataDir, { recursive: true }));

test.each(['SIGTERM', 'SIGINT'] as const)('%s drains: what was accepted is kept, and it exits 0', async (signal) => {
  const server = await serve(dataDir);
  const sending = Array.from({ length: 100 }, (_, n) => {
    const body = { email: `${signal}-${n}@example.com`, firstName: 'A', lastName: 'B' };
    return ask(server.url, '/users', { body }).then(
      ({ status }) => status,
      () => 0,
    );
  });
  await Promise.race(sending);
  server.child.kill(signal);
  const accepted = (await Promise.all(sending)).filter((status) => status === 202).length;
  expect(await server.ended).toMatchObject({ code: 0 });
  const again = await serve(dataDir);
  const { json } = await ask(again.url, `/events?pattern=User.UserCreated&limit=1000`);
  const kept = json.data.filter((event) => JSON.stringify(event).includes(`"${signal}-`));
  expect(kept).toHaveLength(accepted);
  await again.stop();
});

test('serve says where it listens and what to try', async () => {
  const server = await serve(dataDir);
  await server.printed(/curl -s http:\/\/127\.0\.0\.1:\d+\/users/);
  await server.stop();
});

test('a worker answers health and metrics, and takes no command', async () => {
  const worker = statewright(['worker'], { DATA_DIR: dataDir, PORT: '0' });
  const [, url = ''] = await worker.printed(/(http:\/\/\S+)\/health/);
  expect(await ask(url, '/health')).toMatchObject({ status: 200, json: { status: 'up' } });
  expect(await (await fetch(`${url}/metrics`)).text()).toContain('process_cpu');
  expect((await ask(url, '/users', { body: {} })).status).toBe(404);
  worker.child.kill('SIGTERM');
  expect(await worker.ended).toMatchObject({ code: 0 });
});

test('one’s own application runs by --app', async () => {
  const app = new URL('../../src/app/application.ts', import.meta.url).pathname;
  const running = statewright(['--app', app, 'serve'], { DATA_DIR: dataDir, PORT: '0' });
  await running.printed(/listens on/);
  running.child.kill('SIGTERM');
  expect(await running.ended).toMatchObject({ code: 0 });
});

test.each([
  ['the time is over', { SHUTDOWN_TIMEOUT_MS: '300' }, 1],
  ['a second signal comes', {}, 2],
] as const)('a drain that waits for somebody else ends when %s', async (_when, environment, signals) => {
  const hook = await receiver(() => {});
  const server = await serve(dataDir, { ...environment, ...hook.environment });
  const body = { email: `${signals}@hangs.example`, firstName: 'A', lastName: 'B' };
  await ask(server.url, '/users', { body });
  await expect.poll(() => hook.received.length, { timeout: 20_000 }).toBeGreaterThan(0);
  server.child.kill('SIGTERM');
  if (signals === 2) {
    // Once the door is closed the first signal has been taken.
    await expect.poll(() => fetch(server.url).catch(() => 'closed'), { timeout: 20_000 }).toBe('closed');
    server.child.kill('SIGTERM');
  }
  expect(await server.ended).toMatchObject({
    code: 1,
    stderr: signals === 2 ? '' : expect.stringContaining('DRAINING'),
  });
  hook.close();
});
