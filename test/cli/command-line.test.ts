import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, type Ended, serve, statewright } from '../e2e/process.ts';

let dataDir: string;
let userId: string;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'statewright-cli-'));
  const server = await serve(dataDir);
  const ada = { email: 'ada@example.com', firstName: 'Ada', lastName: 'Lovelace' };
  userId = (await ask(server.url, '/users', { body: ada })).json.aggregateId;
  await ask(server.url, `/users/${userId}/verify-email`, { body: {} });
  await server.stop();
});
afterAll(() => rm(dataDir, { recursive: true }));

const run = (args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ended> =>
  statewright(args, { DATA_DIR: dataDir, ...environment }).ended;
const linesOf = ({ stdout }: Ended) =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('reading', () => {
  test('aggregate shows it as it is, and as it was at a version or a time', async () => {
    const now = await run(['aggregate', 'User', userId]);
    expect(now).toMatchObject({ code: 0 });
    expect(JSON.parse(now.stdout)).toMatchObject({ version: 2, state: { active: 'verified' } });
    const then = await run(['aggregate', 'User', userId, '--version', '1']);
    expect(JSON.parse(then.stdout)).toMatchObject({ version: 1, state: { active: 'unverified' } });
    const never = await run(['aggregate', 'User', userId, '--at', '2020-01-01']);
    expect(never).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('NOT_FOUND') });
  });

  test('events prints the log, one event a line, by pattern and after a position', async () => {
    const events = linesOf(await run(['events', '--pattern', 'User.*']));
    expect(events.map(({ type }) => type)).toEqual(['UserCreated', 'EmailVerified']);
    const [, second] = events;
    const after = linesOf(await run(['events', '--after', String(second.position - 1), '--limit', '1']));
    expect(after).toEqual([second]);
  });

  test('events --follow goes on with what another process appends, and ends when interrupted', async () => {
    const following = statewright(['events', '--follow', '--pattern', 'User.*'], { DATA_DIR: dataDir });
    await following.printed(/EmailVerified/);
    const server = await serve(dataDir);
    const grace = { email: 'grace@example.com', firstName: 'Grace', lastName: 'Hopper' };
    await ask(server.url, '/users', { body: grace });
    await following.printed(/grace@example\.com/);
    await server.stop();
    following.child.kill('SIGINT');
    expect(await following.ended).toMatchObject({ code: 0, stderr: '' });
  });

  test('diagram prints the names, and a machine in Mermaid', async () => {
    expect((await run(['diagram'])).stdout).toContain('User (domain)');
    expect((await run(['diagram', 'User'])).stdout).toMatch(/^stateDiagram-v2/m);
    expect(await run(['diagram', 'Robot'])).toMatchObject({ code: 1, stderr: expect.stringContaining('NOT_FOUND') });
  });
});

describe('mending', () => {
  test('rebuild builds a read model anew where no worker runs', async () => {
    expect(await run(['rebuild', 'users'])).toMatchObject({ code: 0, stdout: 'users is rebuilt.\n' });
    expect(await run(['rebuild', 'robots'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('UNKNOWN_PROJECTION'),
    });
  });

  test('replay handles recorded events again in a subscription; notifications are not sent twice', async () => {
    const before = linesOf(await run(['events', '--pattern', 'Notification.*']));
    const replayed = await run(['replay', 'notifications', '--position', '1']);
    expect(replayed).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+ events were handled/) });
    expect(linesOf(await run(['events', '--pattern', 'Notification.*']))).toEqual(before);
    expect(await run(['replay', 'robots', '--position', '1'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('UNKNOWN_SUBSCRIPTION'),
    });
    expect(await run(['replay', 'notifications'])).toMatchObject({ code: 2 });
  });

  test('dead-letters lists nothing when nothing is parked, and knows no strange id', async () => {
    expect(await run(['dead-letters', 'list'])).toMatchObject({ code: 0, stdout: '' });
    for (const verb of ['show', 'redrive', 'discard']) {
      expect(await run(['dead-letters', verb, 'robot'])).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('NOT_FOUND'),
      });
    }
  });

  test('verify finds that every stream fits, and names the one that no longer does', async () => {
    expect(await run(['verify'])).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining(' 0 streams') });
    const copy = join(dataDir, 'copy');
    await mkdir(copy);
    const file = join(dataDir, 'statewright.db');
    const database = new DatabaseSync(file);
    database.exec(`VACUUM INTO '${join(copy, 'statewright.db')}'`);
    database.close();
    const spoiled = new DatabaseSync(join(copy, 'statewright.db'));
    spoiled.exec(`UPDATE events SET data = '{"verifiedAt":5}' WHERE position = 2`);
    spoiled.close();
    const found = await run(['verify'], { DATA_DIR: copy });
    expect(found.code).toBe(1);
    expect(linesOf(found)).toMatchObject([{ position: 2, code: 'INVALID_EVENT' }]);
  });
});

describe('failing', () => {
  test('a wrong configuration is told whole, before anything is opened', async () => {
    const ended = await run(['serve'], { PORT: 'http', EVENT_STORE_PROVIDER: 'oracle', REDIS_URL: 'http://x' });
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    for (const told of ['INVALID_CONFIGURATION', 'PORT', 'oracle', 'REDIS_URL']) expect(ended.stderr).toContain(told);
  });

  test('a port that is taken is told with what to do', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const PORT = String((taken.address() as AddressInfo).port);
    const ended = await run(['serve'], { PORT });
    taken.close();
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('EADDRINUSE') });
  });

  test('an unknown command or option is a wrong call, told with the help', async () => {
    for (const args of [
      ['fly'],
      ['serve', '--fast'],
      ['aggregate', 'User'],
      ['events', '--after', 'yesterday'],
      ['events', '--pattern', 'User'],
    ]) {
      expect(await run(args)).toMatchObject({
        code: 2,
        stdout: '',
        stderr: expect.stringMatching(/error: [\s\S]*Usage:/),
      });
    }
    expect(await run(['--help'])).toMatchObject({ code: 0, stderr: '' });
  });

  test('an older Node.js is told, before it meets what it cannot read', async () => {
    const older = 'Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.1.0"}})';
    const ended = await run(['serve'], { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(older)}` });
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringMatching(/UNSUPPORTED_NODE.*24.*20\.1\.0/) });
  });

  test('a module that is no application is told', async () => {
    const path = join(dataDir, 'nothing.mjs');
    await writeFile(path, 'export const answer = 42;');
    for (const app of [path, join(dataDir, 'missing.mjs')]) {
      expect(await run(['--app', app, 'events'])).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('INVALID_CONFIGURATION'),
      });
    }
  });
});
