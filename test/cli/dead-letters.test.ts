import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask, type Serving, serve, statewright } from '../e2e/process.ts';
import { receiver } from '../e2e/receiver.ts';

let dataDir: string;
let server: Serving;
let rejecting = true;
const hook = await receiver((response) => response.writeHead(rejecting ? 422 : 204).end());
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'statewright-parked-'));
  server = await serve(dataDir, hook.environment);
});
afterAll(async () => {
  await server.stop();
  hook.close();
  await rm(dataDir, { recursive: true });
});

async function deadLetters(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await statewright(['dead-letters', ...args], {
    DATA_DIR: dataDir,
    ...hook.environment,
  }).ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

/** The one dead letter, once there is one. */
async function parked(): Promise<{ readonly id: string; readonly cause: string }> {
  await expect.poll(async () => (await ask(server.url, '/dead-letters')).json.data.length, { timeout: 20_000 }).toBe(1);
  return JSON.parse(await deadLetters('list'));
}

async function createUser(name: string): Promise<void> {
  const body = { email: `${name}@example.com`, firstName: name, lastName: 'L' };
  expect((await ask(server.url, '/users', { body })).status).toBe(202);
}

const typesOf = async (pattern: string) =>
  (await ask(server.url, `/events?pattern=${pattern}&limit=1000`)).json.data.map(({ type }) => type);

test('what a channel rejects is a dead letter with its reason; redriven from another process, it is delivered', async () => {
  await createUser('ada');
  const { id, cause } = await parked();
  expect(cause).toContain('422');
  expect(JSON.parse(await deadLetters('show', id))).toMatchObject({ id, event: { type: 'NotificationRequested' } });
  rejecting = false;
  expect(await deadLetters('redrive', id)).toContain('1 redriven');
  await expect.poll(() => typesOf('Notification.NotificationDelivered'), { timeout: 20_000 }).toHaveLength(1);
  expect(new Set(hook.received.map(({ data }) => data.id)).size).toBe(1);
  expect(await deadLetters('list')).toBe('');
});

test('a discarded one is given up: the notification failed, and nothing waits', async () => {
  rejecting = true;
  await createUser('grace');
  const { id } = await parked();
  expect(await deadLetters('discard', id)).toContain('Stepped over');
  await expect.poll(() => typesOf('Notification.NotificationFailed'), { timeout: 20_000 }).toHaveLength(1);
  expect(await deadLetters('list')).toBe('');
});

test('without an id, all are redriven', async () => {
  await createUser('mary');
  await parked();
  rejecting = false;
  expect(await deadLetters('redrive')).toContain('1 redriven');
  await expect.poll(() => typesOf('Notification.NotificationDelivered'), { timeout: 20_000 }).toHaveLength(2);
});
