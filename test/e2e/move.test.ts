import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sqliteStore } from '../../src/adapters/stores/sqlite/sqlite.ts';
import { ask, serve, statewright } from './process.ts';

/* Each test goes on where the one before ended: a life is lived, what ended is archived, and the log moves on. */

let home: string;
let dataDir: string;
let userId: string;
let orderId: string;
let position: number;
let before: Awaited<ReturnType<typeof seenAt>>;
let events: string;

const ada = { email: 'ada@example.com', firstName: 'Ada', lastName: 'Lovelace' };
const key = { 'content-type': 'application/json', 'idempotency-key': 'the first user' };

const run = (args: readonly string[], directory: string) => statewright(args, { DATA_DIR: directory }).ended;

const createUser = async (url: string) => {
  const answer = await fetch(`${url}/users`, { method: 'POST', headers: key, body: JSON.stringify(ada) });
  return (await answer.json()) as { readonly aggregateId: string; readonly version: number; readonly position: number };
};

/** Everything that can be asked. */
async function seenAt(url: string) {
  const read = async (path: string) => (await ask(url, `${path}?waitFor=${position}`)).json;
  return {
    users: await read('/users'),
    orders: await read('/orders'),
    statistics: await read('/analytics/users'),
    user: await read(`/aggregates/User/${userId}`),
    order: await read(`/aggregates/Order/${orderId}`),
    history: await read(`/aggregates/Order/${orderId}/events`),
  };
}

const sentIn = async (directory: string) =>
  (await readFile(join(directory, 'notifications.jsonl'), 'utf8').catch(() => '')).split('\n').filter(Boolean);

/** Waits until the log has so many events of this type. */
async function delivered(url: string, count: number): Promise<void> {
  const path = '/events?pattern=Notification.NotificationDelivered&limit=100';
  await expect.poll(async () => (await ask(url, path)).json.data.length, { timeout: 20_000 }).toBe(count);
}

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'statewright-move-'));
  dataDir = join(home, 'first');
  await mkdir(dataDir);
});

afterAll(() => rm(home, { recursive: true }));

test('a user and an order live and end', async () => {
  const server = await serve(dataDir);
  userId = (await createUser(server.url)).aggregateId;
  const post = async (path: string, body: object) => (await ask(server.url, path, { body })).json;
  const items = [{ sku: 'pen', name: 'A pen', quantity: 3, unitPrice: 250 }];
  orderId = (await post('/orders', { userId, customerEmail: ada.email, items })).aggregateId;
  await post(`/orders/${orderId}/complete`, {});
  const shipment = { trackingNumber: 'T1', trackingUrl: 'https://post.example/T1', estimatedDelivery: '2026-12-24' };
  await post(`/orders/${orderId}/ship`, shipment);
  await post('/orders', { userId, customerEmail: ada.email, items });
  position = (await post(`/users/${userId}/deactivate`, { reason: 'moved away' })).position;
  await delivered(server.url, 4);
  before = await seenAt(server.url);
  expect(await server.stop()).toMatchObject({ code: 0 });
  events = (await run(['events'], dataDir)).stdout;
});

test('archived streams are read as before, and read models are rebuilt from archive and log', async () => {
  const file = join(dataDir, 'statewright.db');
  const store = sqliteStore({ file });
  const streams = [
    { type: 'User', id: userId },
    { type: 'Order', id: orderId },
  ];
  for (const stream of streams) {
    expect(await store.events.archive(stream, await store.events.streamHead(stream))).toBe(true);
  }
  await store.close();
  const database = new DatabaseSync(file);
  database.exec('DELETE FROM generations; DELETE FROM read_model_rows; DELETE FROM read_model_index');
  expect(database.prepare('SELECT count(*) AS packed FROM events WHERE schema = 0').get()).toEqual({ packed: 5 });
  database.close();
  expect((await run(['events'], dataDir)).stdout).toBe(events);
  const server = await serve(dataDir);
  expect(await seenAt(server.url)).toEqual(before);
  expect(await server.stop()).toMatchObject({ code: 0 });
  expect(await run(['verify'], dataDir)).toMatchObject({ code: 0, stderr: expect.stringContaining(' 0 streams') });
});

test('export writes a file, or stdout, compressed when its name says so', async () => {
  const [plain, packed] = [join(home, 'log.jsonl'), join(home, 'log.jsonl.gz')];
  const told = /^\d+ events and \d+ records are exported\.\n$/;
  expect(await run(['export', plain], dataDir)).toMatchObject({
    code: 0,
    stdout: '',
    stderr: expect.stringMatching(told),
  });
  expect(await run(['export', packed], dataDir)).toMatchObject({ code: 0 });
  const { stdout } = await run(['export'], dataDir);
  const [text, bytes] = [await readFile(plain, 'utf8'), await readFile(packed)];
  const timeless = (lines: string) => lines.replace(/"exportedAt":"[^"]+"/, '').replace(/"sha256":"[^"]+"/, '');
  expect(timeless(stdout)).toBe(timeless(text));
  expect(bytes.length).toBeLessThan(text.length / 2);
  expect((await readdir(home)).sort()).toEqual(['first', 'log.jsonl', 'log.jsonl.gz']);
});

test.each(['log.jsonl', 'log.jsonl.gz', '-'])(
  'import takes it into another store, from %s, where life goes on',
  async (from) => {
    const second = join(home, `second-${from}`);
    await mkdir(second);
    const bin = fileURLToPath(new URL('../../bin/statewright.mjs', import.meta.url));
    const args = [bin, 'import', from === '-' ? from : join(home, from)];
    const input = from === '-' ? await readFile(join(home, 'log.jsonl')) : '';
    const imported = spawnSync(process.execPath, args, { env: { DATA_DIR: second }, input, encoding: 'utf8' });
    expect(imported).toMatchObject({
      status: 0,
      stderr: '',
      stdout: expect.stringMatching(/^\d+ events and \d+ records/),
    });
    expect((await run(['events'], second)).stdout).toBe(events);

    const server = await serve(second);
    expect(await seenAt(server.url)).toEqual(before);
    expect(await createUser(server.url)).toMatchObject({ aggregateId: userId, version: 1 });
    expect((await ask(server.url, '/users', { body: ada })).json).toMatchObject({ code: 'EMAIL_TAKEN' });
    const grace = { email: 'grace@example.com', firstName: 'Grace', lastName: 'Hopper' };
    expect((await ask(server.url, '/users', { body: grace })).json).toMatchObject({ version: 1 });
    await delivered(server.url, 5);
    expect(await server.stop()).toMatchObject({ code: 0 });
    // What the first store had sent is not sent again.
    const sent = await sentIn(second);
    expect(sent).toHaveLength(1);
    expect(sent[0]).toContain('grace@example.com');
  },
);

test('import refuses a log that has gone on, a file that is cut, and a file that is not there', async () => {
  const second = join(home, 'second-log.jsonl');
  const again = await run(['import', join(home, 'log.jsonl')], second);
  expect(again).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('IMPORT_CONFLICT') });
  const cut = join(home, 'cut.jsonl');
  await writeFile(cut, (await readFile(join(home, 'log.jsonl'), 'utf8')).slice(0, 5_000));
  const third = join(home, 'third');
  await mkdir(third);
  const refused = await run(['import', cut], third);
  expect(refused).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/IMPORT_UNREADABLE.* in line \d+/),
  });
  expect((await run(['events'], third)).stdout).toBe('');
  const packed = join(home, 'no.gz');
  await writeFile(packed, 'plain text');
  expect(await run(['import', packed], third)).toMatchObject({ code: 1, stderr: expect.stringContaining('gzip') });
  expect(await run(['import', join(home, 'nothing')], third)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('ENOENT'),
  });
});
