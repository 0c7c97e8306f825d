import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fileChannel } from '../../../src/adapters/channels/file.ts';
import { message } from './messages.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'statewright-channel-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const path = () => join(directory, 'notifications.jsonl');
const lines = async () =>
  (await readFile(path(), 'utf8'))
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));

test('a delivered message is one line of JSON with its id, in a file that is the owner’s alone', async () => {
  const channel = fileChannel({ directory });
  await channel.deliver(message({ data: { text: 'two\nlines' } }));
  await channel.close();
  expect(await lines()).toEqual([{ ...message({ data: { text: 'two\nlines' } }), deliveredAt: expect.any(String) }]);
  expect((await stat(path())).mode & 0o777).toBe(0o600);
});

test('a hundred messages at once through two channels on one file are a hundred whole lines', async () => {
  const channels = [fileChannel({ directory }), fileChannel({ directory })];
  const ids = Array.from({ length: 100 }, (_, n) => `id-${n}`);
  await Promise.all(ids.map((id, n) => channels[n % 2]?.deliver(message({ id, data: { text: 'x'.repeat(5_000) } }))));
  await Promise.all(channels.map((channel) => channel.close()));
  expect((await lines()).map((line) => line.id).sort()).toEqual([...ids].sort());
});

test('a repeat is a second line with the same id', async () => {
  const channel = fileChannel({ directory });
  await channel.deliver(message());
  await channel.deliver(message());
  await channel.close();
  expect((await lines()).map((line) => line.id)).toEqual([message().id, message().id]);
});

test('a line that a crash left half written does not spoil the next one', async () => {
  await writeFile(path(), '{"id":"whole"}\n{"id":"ha');
  const channel = fileChannel({ directory });
  await channel.deliver(message());
  await channel.close();
  const written = (await readFile(path(), 'utf8')).split('\n');
  expect(written.slice(0, 2)).toEqual(['{"id":"whole"}', '{"id":"ha']);
  expect(JSON.parse(written[2] ?? '').id).toBe(message().id);
});

test('nor does one that another process leaves half written while the channel is open', async () => {
  const channel = fileChannel({ directory });
  await channel.deliver(message({ id: 'before' }));
  await appendFile(path(), '{"id":"ha');
  await channel.deliver(message({ id: 'after' }));
  await channel.close();
  const [before = '', half, after = ''] = (await readFile(path(), 'utf8')).split('\n');
  expect([JSON.parse(before).id, half, JSON.parse(after).id]).toEqual(['before', '{"id":"ha', 'after']);
});

test('a directory that cannot be made is an outage, and delivery works once it can', async () => {
  const blocked = join(directory, 'taken');
  await appendFile(blocked, '');
  const channel = fileChannel({ directory: join(blocked, 'inner') });
  await expect(channel.deliver(message())).rejects.toMatchObject({ code: 'CHANNEL_UNAVAILABLE' });
  await rm(blocked);
  await channel.deliver(message());
  await channel.close();
});

test('a closed channel takes nothing; closing twice is fine', async () => {
  const channel = fileChannel({ directory });
  await channel.close();
  await channel.close();
  await expect(channel.deliver(message())).rejects.toMatchObject({ code: 'CHANNEL_UNAVAILABLE' });
});
