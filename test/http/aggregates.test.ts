import { describe, expect, it } from 'vitest';
import { memoryStore } from '../../src/adapters/stores/memory/memory.ts';
import { createSimulatedClock } from '../../src/testing/simulated-clock.ts';
import { ada, createUser, type Rig, startRig } from './rig.ts';

const post = ({ app }: Rig, payload: object) => app.inject({ method: 'POST', url: '/commands', payload });
const verify = { type: 'VerifyEmail', aggregateType: 'User', aggregateId: 'ada', data: {} };

async function rigWithAda(): Promise<Rig> {
  const rig = await startRig();
  await post(rig, [createUser('ada', ada), verify]);
  return rig;
}

describe('GET /aggregates/:type/:id', () => {
  it('tells state, context, version, status and every command with its verdict', async () => {
    const { app } = await rigWithAda();
    const answer = await app.inject('/aggregates/User/ada');
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({ state: { active: 'verified' }, context: ada, version: 2, status: 'active' });
    const commands: { type: string; verdict: string; code?: string }[] = answer.json().commands;
    expect(commands.map(({ type }) => type)).toEqual([
      'CreateUser',
      'VerifyEmail',
      'UpdateUserProfile',
      'DeactivateUser',
    ]);
    expect(commands[1]).toMatchObject({ verdict: 'refused', code: 'EMAIL_ALREADY_VERIFIED' });
    expect(commands[3]).toMatchObject({ verdict: 'accepted' });
  });

  it('gives the past by version', async () => {
    const { app } = await rigWithAda();
    const answer = await app.inject('/aggregates/User/ada?version=1');
    expect(answer.json()).toMatchObject({ state: { active: 'unverified' }, version: 1 });
  });

  it('gives the past by time, whatever the offset it is written in', async () => {
    const clock = createSimulatedClock(Date.UTC(2026, 0, 1));
    const rig = await startRig({ store: memoryStore({ clock }) });
    await post(rig, createUser('ada', ada));
    await clock.advance(3_600_000);
    await post(rig, verify);
    for (const at of ['2026-01-01T00:30:00Z', '2026-01-01T02:30:00%2B02:00', '2026-01-01T02:30:00+02:00']) {
      expect((await rig.app.inject(`/aggregates/User/ada?at=${at}`)).json()).toMatchObject({ version: 1 });
    }
    expect((await rig.app.inject('/aggregates/User/ada?at=2026-01-01T01:00:00Z')).json()).toMatchObject({ version: 2 });
    expect((await rig.app.inject('/aggregates/User/ada?at=2025-12-31T23:59:59Z')).statusCode).toBe(404);
  });

  it.each([
    ['nobody', '/aggregates/User/nobody', 404, 'NOT_FOUND'],
    ['a version that is not there yet', '/aggregates/User/ada?version=3', 404, 'NOT_FOUND'],
    ['an unknown type', '/aggregates/Robot/ada', 404, 'UNKNOWN_AGGREGATE_TYPE'],
    ['a type that every object has', '/aggregates/__proto__/ada', 404, 'UNKNOWN_AGGREGATE_TYPE'],
    ['version and time at once', '/aggregates/User/ada?version=1&at=2026-01-01T00:00:00Z', 400, 'MALFORMED_REQUEST'],
    ['version 0', '/aggregates/User/ada?version=0', 400, 'MALFORMED_REQUEST'],
    ['a version that is no integer', '/aggregates/User/ada?version=1.5', 400, 'MALFORMED_REQUEST'],
    ['an empty version', '/aggregates/User/ada?version=', 400, 'MALFORMED_REQUEST'],
    ['a time without a zone', '/aggregates/User/ada?at=2026-01-01T00:00:00', 400, 'MALFORMED_REQUEST'],
    ['a day that is not there', '/aggregates/User/ada?at=2026-13-01T00:00:00Z', 400, 'MALFORMED_REQUEST'],
    ['a parameter it does not know', '/aggregates/User/ada?verison=1', 400, 'MALFORMED_REQUEST'],
    ['an id with NUL', '/aggregates/User/a%00b', 422, 'INVALID_ID'],
    ['an id of 513 bytes', `/aggregates/User/${'x'.repeat(513)}`, 422, 'INVALID_ID'],
    ['a broken percent-encoding', '/aggregates/User/%zz', 400, 'MALFORMED_REQUEST'],
    ['bytes that are not UTF-8', '/aggregates/User/%ff', 400, 'MALFORMED_REQUEST'],
  ])('refuses %s', async (_, url, status, code) => {
    const { app } = await rigWithAda();
    const answer = await app.inject(url);
    expect([answer.statusCode, answer.json().code]).toEqual([status, code]);
    expect(answer.headers['content-type']).toContain('application/problem+json');
  });
});

describe('ids in a path', () => {
  it.each([
    'a/b',
    '/',
    '%2F',
    '%',
    '__proto__',
    'constructor',
    'two words',
    'a+b',
    'a?b#c',
    'a;b',
    ':id',
    '*',
    'events',
    'é',
    '日本語',
    '🦊',
    "Robert'); DROP TABLE events;--",
    'x'.repeat(512),
    '🦊'.repeat(128),
  ])('work URL-encoded: %j', async (id) => {
    const rig = await startRig();
    expect((await post(rig, createUser(id, ada))).json().aggregateId).toBe(id);
    const url = `/aggregates/User/${encodeURIComponent(id)}`;
    expect((await rig.app.inject(url)).json()).toMatchObject({ version: 1 });
    expect((await rig.app.inject(`${url}/events`)).json().data[0].stream.id).toBe(id);
  });
});

describe('GET /aggregates/:type/:id/events', () => {
  it('gives the history by pages, with metadata', async () => {
    const { app } = await rigWithAda();
    const first = (await app.inject('/aggregates/User/ada/events?limit=1')).json();
    expect(first.data).toMatchObject([
      { type: 'UserCreated', version: 1, meta: { source: 'user-service', schema: 1 } },
    ]);
    expect(first.nextFrom).toBe(2);
    const second = (await app.inject(`/aggregates/User/ada/events?limit=1&from=${first.nextFrom}`)).json();
    expect(second.data).toMatchObject([{ type: 'EmailVerified', version: 2 }]);
    expect(second).not.toHaveProperty('nextFrom');
  });

  it('is empty past the end, and 404 for nobody', async () => {
    const { app } = await rigWithAda();
    expect((await app.inject('/aggregates/User/ada/events?from=3')).json()).toEqual({ data: [] });
    expect((await app.inject('/aggregates/User/nobody/events')).statusCode).toBe(404);
  });

  it.each(['limit=0', 'limit=1001', 'limit=ten', 'from=-1', 'from=99999999999999999999'])(
    'refuses ?%s',
    async (query) => {
      const { app } = await rigWithAda();
      const answer = await app.inject(`/aggregates/User/ada/events?${query}`);
      expect([answer.statusCode, answer.json().code]).toEqual([400, 'MALFORMED_REQUEST']);
    },
  );
});

describe('waitFor', () => {
  it('answers at once when the log is that far', async () => {
    const { app } = await rigWithAda();
    expect((await app.inject('/aggregates/User/ada?waitFor=2')).statusCode).toBe(200);
  });

  it('answers once the log is that far', async () => {
    const rig = await rigWithAda();
    const answer = rig.app.inject('/aggregates/User/ada?waitFor=3');
    await post(rig, { ...verify, type: 'DeactivateUser', data: { reason: 'bye' } });
    expect((await answer).json()).toMatchObject({ version: 3, status: 'done' });
  });

  it.each(['/aggregates/User/ada', '/aggregates/User/ada/events', '/events'])(
    'answers 503 with Retry-After at %s when the log does not get there',
    async (url) => {
      const { app } = await startRig({ server: { waitForMs: 20 } });
      const answer = await app.inject(`${url}?waitFor=7`);
      expect([answer.statusCode, answer.json().code]).toEqual([503, 'READ_MODEL_BEHIND']);
      expect(answer.headers['retry-after']).toBe('1');
    },
  );
});
