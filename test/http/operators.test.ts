import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { prometheusTelemetry } from '../../src/adapters/telemetry/prometheus.ts';
import { createProbes } from '../../src/http/probes.ts';
import { failure } from '../../src/kernel/errors.ts';
import { defineProjection, defineSubscription, type SubscriptionDefinition } from '../../src/runtime/define.ts';
import { ada, createUser, type Rig, startRig } from './rig.ts';

const post = ({ app }: Rig, url: string, payload: object = {}) => app.inject({ method: 'POST', url, payload });
const settings = { retryAttempts: 1, retryDelayMs: 1, leaseMs: 100 };

const names = defineProjection({
  name: 'names',
  on: ['User.*'],
  key: ({ stream }) => stream.id,
  fold: (row: { events: number } | null) => ({ events: (row?.events ?? 0) + 1 }),
});

/** A subscription that fails for good on some streams until they are mended, and tells what it handled. */
function mailing() {
  const handled: string[] = [];
  const broken = new Set<string>();
  const definition: SubscriptionDefinition = defineSubscription({
    name: 'mailing',
    on: ['User.*'],
    async handle({ stream, type }) {
      if (broken.has(stream.id)) throw failure('HANDLER_FAILED', { found: `no letter box at ${stream.id}` });
      handled.push(`${stream.id} ${type}`);
    },
  });
  return { handled, broken, definition };
}

describe('projections', () => {
  it('are listed, and rebuilt on request', async () => {
    const rig = await startRig({ processor: { projections: [names], settings } });
    await post(rig, '/commands', [createUser('ada', ada), createUser('bob')]);
    const listed = async () => (await rig.app.inject('/projections')).json().data;
    await vi.waitUntil(async () => (await listed())[0]?.position === 2, { timeout: 10_000 });
    expect(await listed()).toMatchObject([{ name: 'names', lag: 0, held: true, faultyRows: 0 }]);
    const answer = await post(rig, '/projections/names/rebuild');
    expect([answer.statusCode, answer.json()]).toEqual([202, { message: 'Rebuild started', name: 'names' }]);
    await vi.waitUntil(async () => (await listed())[0]?.state === 'live', { timeout: 10_000 });
    expect(await rig.processor.query('names.get', { id: 'ada' })).toMatchObject({ events: 1 });
  });

  it('that are not there cannot be rebuilt', async () => {
    const answer = await post(await startRig(), '/projections/nothing/rebuild');
    expect([answer.statusCode, answer.json().code]).toEqual([404, 'UNKNOWN_PROJECTION']);
  });
});

describe('dead letters', () => {
  async function rigWithLetters() {
    const { definition, handled, broken } = mailing();
    broken.add('ada').add('bob');
    const rig = await startRig({ processor: { subscriptions: [definition], settings } });
    await post(rig, '/commands', [createUser('ada', ada), createUser('bob'), createUser('eve')]);
    const letters = async (query = '') => (await rig.app.inject(`/dead-letters${query}`)).json();
    await vi.waitUntil(async () => (await letters()).data.length === 2, { timeout: 10_000 });
    return { rig, handled, broken, letters };
  }

  it('are listed by page with their cause, and shown one by one with their event', async () => {
    const { rig, letters } = await rigWithLetters();
    const first = await letters('?limit=1&subscription=mailing');
    expect(first.data).toMatchObject([{ subscription: 'mailing', version: 1, code: 'HANDLER_FAILED', attempts: 1 }]);
    expect(first.data[0].cause).toContain('no letter box');
    const second = await letters(`?limit=1&after=${encodeURIComponent(first.nextAfter)}`);
    expect(second.data).toHaveLength(1);
    expect(second).not.toHaveProperty('nextAfter');
    const { id, stream } = first.data[0];
    const one = (await rig.app.inject(`/dead-letters/${encodeURIComponent(id)}`)).json().data;
    expect(one).toMatchObject({ id, event: { type: 'UserCreated', stream } });
    expect((await letters('?subscription=other')).data).toEqual([]);
  });

  it('are redriven one by one or all together, and stepped over', async () => {
    const { rig, handled, broken, letters } = await rigWithLetters();
    const idOf = async (stream: string): Promise<string> => {
      const found = (await letters()).data.find((each: { stream: { id: string } }) => each.stream.id === stream);
      return encodeURIComponent(found.id);
    };
    const discarded = await rig.app.inject({ method: 'DELETE', url: `/dead-letters/${await idOf('bob')}` });
    expect([discarded.statusCode, discarded.body]).toEqual([204, '']);
    broken.clear();
    expect((await post(rig, `/dead-letters/${await idOf('ada')}/redrive`)).statusCode).toBe(202);
    await vi.waitUntil(() => handled.includes('ada UserCreated'), { timeout: 10_000 });
    expect(handled).not.toContain('bob UserCreated');
    expect((await letters()).data).toEqual([]);

    broken.add('bob');
    await post(rig, '/commands', { type: 'VerifyEmail', aggregateType: 'User', aggregateId: 'bob' });
    await vi.waitUntil(async () => (await letters()).data.length === 1, { timeout: 10_000 });
    broken.clear();
    const all = await post(rig, '/dead-letters/redrive', { subscription: 'mailing' });
    expect([all.statusCode, all.json().count]).toEqual([202, 1]);
    await vi.waitUntil(() => handled.includes('bob EmailVerified'), { timeout: 10_000 });
  });

  it.each([
    ['GET', '/dead-letters/none'],
    ['DELETE', '/dead-letters/none'],
    ['POST', '/dead-letters/none/redrive'],
  ] as const)('that are not there are answered 404: %s %s', async (method, url) => {
    const answer = await (await startRig()).app.inject({ method, url });
    expect([answer.statusCode, answer.json().code]).toEqual([404, 'NOT_FOUND']);
  });
});

describe('POST /replay', () => {
  it('gives a subscription its events again from a position, a version or a time', async () => {
    const { definition, handled } = mailing();
    const rig = await startRig({ processor: { subscriptions: [definition], settings } });
    const { position } = (await post(rig, '/commands', createUser('ada', ada))).json();
    await vi.waitUntil(() => handled.length === 1, { timeout: 10_000 });
    const places = [
      { position },
      { stream: { type: 'User', id: 'ada' }, version: 1 },
      { time: '2026-01-01T00:00:00+02:00' },
    ];
    for (const [index, from] of places.entries()) {
      const answer = await post(rig, '/replay', { subscription: 'mailing', from });
      expect(answer.statusCode).toBe(202);
      expect(answer.json().data).toMatchObject({ subscription: 'mailing' });
      await vi.waitUntil(() => handled.length === index + 2, { timeout: 10_000 });
    }
    const { data } = (await rig.app.inject('/replay')).json();
    expect(data).toHaveLength(3);
  });

  it.each([
    ['a subscription that is not there', { subscription: 'none', from: { position: 1 } }, 404, 'UNKNOWN_SUBSCRIPTION'],
    ['no place', { subscription: 'mailing', from: {} }, 400, 'MALFORMED_REQUEST'],
    ['two places', { subscription: 'mailing', from: { position: 1, time: 'x' } }, 400, 'MALFORMED_REQUEST'],
    ['a time that is none', { subscription: 'mailing', from: { time: 'yesterday' } }, 400, 'MALFORMED_REQUEST'],
    [
      'a stream of an unknown type',
      { subscription: 'mailing', from: { stream: { type: 'Robot', id: 'a' }, version: 1 } },
      404,
      'UNKNOWN_AGGREGATE_TYPE',
    ],
  ])('refuses %s', async (_, payload, status, code) => {
    const rig = await startRig({ processor: { subscriptions: [mailing().definition] } });
    const answer = await post(rig, '/replay', payload);
    expect([answer.statusCode, answer.json().code]).toEqual([status, code]);
  });
});

describe('machines', () => {
  it('are listed, domain and runtime', async () => {
    const { data } = (await (await startRig()).app.inject('/machines')).json();
    expect(data).toContainEqual({ name: 'User', kind: 'domain' });
    expect(data.some(({ kind }: { kind: string }) => kind === 'runtime')).toBe(true);
  });

  it.each([
    ['/machines/User', undefined, 'application/json'],
    ['/machines/User', '*/*', 'application/json'],
    ['/machines/User', 'text/html, application/json;q=0.9, text/vnd.mermaid;q=0.5', 'application/json'],
    ['/machines/User', 'text/vnd.mermaid', 'text/vnd.mermaid'],
    ['/machines/User', 'application/json;q=0.1, text/plain', 'text/vnd.mermaid'],
    ['/machines/User.mmd', 'application/json', 'text/vnd.mermaid'],
    ['/machines/User.json', 'text/vnd.mermaid', 'application/json'],
  ])('%s for %s is %s', async (url, accept, type) => {
    const answer = await (await startRig()).app.inject({ url, headers: accept === undefined ? {} : { accept } });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toContain(type);
    expect(answer.body).toContain('EmailVerified');
  });

  it('tell their schemas when they are aggregates, and none otherwise', async () => {
    const { app } = await startRig();
    const { data } = (await app.inject('/machines/User')).json();
    expect(data.commands.CreateUser.required).toEqual(['email', 'firstName', 'lastName']);
    expect(Object.keys(data.events)).toContain('UserCreated');
    const { data: all } = (await app.inject('/machines')).json();
    for (const { name } of all) {
      for (const extension of ['json', 'mmd']) {
        expect((await app.inject(`/machines/${encodeURIComponent(name)}.${extension}`)).statusCode).toBe(200);
      }
    }
  });

  it.each([
    ['/machines/Robot', undefined, 404, 'NOT_FOUND'],
    ['/machines/User.svg', undefined, 406, 'NOT_ACCEPTABLE'],
    ['/machines/User', 'image/svg+xml', 406, 'NOT_ACCEPTABLE'],
    ['/machines/User', 'text/plain;q=0', 406, 'NOT_ACCEPTABLE'],
  ])('%s for %s is refused', async (url, accept, status, code) => {
    const answer = await (await startRig()).app.inject({ url, headers: accept === undefined ? {} : { accept } });
    expect([answer.statusCode, answer.json().code]).toEqual([status, code]);
  });
});

describe('health', () => {
  it('tells store, bus, version and uptime', async () => {
    const { app } = await startRig();
    const answer = await app.inject('/health');
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({
      status: 'up',
      version: '1.2.3',
      eventStore: { status: 'up', provider: 'memory' },
      eventBus: { status: 'up', provider: 'memory' },
    });
    expect(Date.parse(answer.json().timestamp)).not.toBeNaN();
    expect(answer.json().uptimeSeconds).toBeGreaterThanOrEqual(0);
    expect((await app.inject('/health/live')).json()).toMatchObject({ status: 'up', version: '1.2.3' });
    expect((await app.inject('/health/ready')).statusCode).toBe(200);
  });

  it('is 503 with Retry-After when a part is down; the process lives on', async () => {
    const { app, store } = await startRig();
    store.ping = () => Promise.reject(failure('STORE_UNAVAILABLE'));
    const answer = await app.inject('/health');
    expect([answer.statusCode, answer.json().status, answer.json().eventStore.status]).toEqual([503, 'down', 'down']);
    expect(answer.headers['retry-after']).toBe('1');
    expect((await app.inject('/health/ready')).statusCode).toBe(503);
    expect((await app.inject('/health/live')).statusCode).toBe(200);
  });
});

describe('the probes of a worker', () => {
  it('tell health and metrics, and take no command', async () => {
    const { processor } = await startRig();
    const probes = createProbes({ processor, version: '1.2.3', telemetry: prometheusTelemetry() });
    onTestFinished(() => probes.close());
    expect((await probes.inject('/health/ready')).json()).toMatchObject({ status: 'up', version: '1.2.3' });
    expect((await probes.inject('/metrics')).statusCode).toBe(200);
    const answer = await probes.inject({ method: 'POST', url: '/commands', payload: createUser('ada') });
    expect([answer.statusCode, answer.json().code]).toEqual([404, 'NOT_FOUND']);
  });
});

describe('GET /metrics', () => {
  it('tells what was counted, requests too, in the format of Prometheus', async () => {
    const telemetry = prometheusTelemetry();
    const rig = await startRig({ processor: { telemetry }, server: { telemetry } });
    await post(rig, '/commands', createUser('ada', ada));
    await vi.waitUntil(async () => (await rig.app.inject('/metrics')).body.includes('route="/commands"'));
    const answer = await rig.app.inject('/metrics');
    expect(answer.headers['content-type']).toContain('text/plain; version=0.0.4');
    expect(answer.body).toMatch(
      /statewright_http_request_seconds_count\{method="POST",route="\/commands",status="202"\} 1/,
    );
    expect(answer.body).toContain('statewright_append_entries_total 1');
  });

  it('is not there without a source', async () => {
    expect((await (await startRig()).app.inject('/metrics')).statusCode).toBe(404);
  });
});
