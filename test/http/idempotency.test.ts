import { describe, expect, it } from 'vitest';
import { user } from '../../machines/user.machine.ts';
import { memoryStore } from '../../src/adapters/stores/memory/memory.ts';
import { commandRoute } from '../../src/http/command-route.ts';
import type { ServerOptions } from '../../src/http/server.ts';
import { ada, createUser, startRig } from './rig.ts';

const routes: ServerOptions['routes'] = [
  async (app) => {
    app.post('/users', commandRoute(user, 'CreateUser', { message: 'User creation initiated' }));
    app.post('/users/:id/verify-email', commandRoute(user, 'VerifyEmail', { message: 'Verification initiated' }));
  },
];
const keyed = (url: string, payload: object, key = 'key-1') => ({
  method: 'POST' as const,
  url,
  payload,
  headers: { 'idempotency-key': key },
});

describe('a command sent twice with one Idempotency-Key', () => {
  // SPEC §5, trap 15.
  it('makes one aggregate, and the second answer equals the first to the byte', async () => {
    const { app, store } = await startRig({ server: { routes } });
    const first = await app.inject(keyed('/users', ada));
    const second = await app.inject(keyed('/users', ada));
    expect(first.statusCode).toBe(202);
    expect([second.statusCode, second.body]).toEqual([first.statusCode, first.body]);
    expect(await store.events.head()).toBe(1);
  });

  // SPEC §5, trap 16.
  it('is answered with its success, not with the refusal that it would meet now', async () => {
    const { app } = await startRig({ server: { routes } });
    const { aggregateId } = (await app.inject(keyed('/users', ada))).json();
    const first = await app.inject(keyed(`/users/${aggregateId}/verify-email`, {}));
    const second = await app.inject(keyed(`/users/${aggregateId}/verify-email`, {}));
    expect(first.statusCode).toBe(202);
    expect([second.statusCode, second.body]).toEqual([first.statusCode, first.body]);
    const other = await app.inject(keyed(`/users/${aggregateId}/verify-email`, {}, 'key-2'));
    expect(other.json().code).toBe('EMAIL_ALREADY_VERIFIED');
  });

  it('is answered with its first refusal, to the byte, also when it would succeed now', async () => {
    const { app } = await startRig({ server: { routes } });
    const first = await app.inject(keyed('/users/ada/verify-email', {}));
    await app.inject({ method: 'POST', url: '/commands', payload: createUser('ada', ada) });
    const second = await app.inject(keyed('/users/ada/verify-email', {}));
    expect(first.statusCode).toBe(404);
    expect([second.statusCode, second.body]).toEqual([first.statusCode, first.body]);
  });

  it('is answered the same when both tries are in flight at once', async () => {
    const { app, store } = await startRig({ server: { routes } });
    const answers = await Promise.all(Array.from({ length: 10 }, () => app.inject(keyed('/users', ada))));
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1);
    expect(await store.events.head()).toBe(1);
  });

  it('is answered the same by another worker on the same store', async () => {
    const store = memoryStore();
    const one = await startRig({ store, server: { routes } });
    const two = await startRig({ store, server: { routes } });
    const first = await one.app.inject(keyed('/users', ada));
    const second = await two.app.inject(keyed('/users', ada));
    expect(second.body).toBe(first.body);
  });

  it('is refused when it carries something else the second time', async () => {
    const { app } = await startRig({ server: { routes } });
    await app.inject(keyed('/users', ada));
    const answer = await app.inject(keyed('/users', { ...ada, firstName: 'Augusta' }));
    expect([answer.statusCode, answer.json().code]).toEqual([409, 'COMMAND_ID_REUSED']);
  });

  it('is another command on another route or from another principal', async () => {
    const authenticate: ServerOptions['authenticate'] = ({ headers }) => ({ id: String(headers.authorization) });
    const { app } = await startRig({ server: { routes, authenticate } });
    const by = (who: string, url: string, payload: object) => {
      const request = keyed(url, payload);
      return app.inject({ ...request, headers: { ...request.headers, authorization: who } });
    };
    const { aggregateId: _, ...command } = createUser('', { ...ada, email: 'c@example.org' });
    const answers = [
      await by('a', '/users', ada),
      await by('b', '/users', { ...ada, email: 'b@example.org' }),
      await by('a', '/commands', command),
    ];
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([202, 202, 202]);
    const ids = answers.map((answer) => answer.json().aggregateId);
    expect(new Set(ids).size).toBe(3);
    expect((await by('a', '/users', ada)).json().aggregateId).toBe(ids[0]);
  });

  it('carries arrays too: each item has ids of its own, the same the second time', async () => {
    const { app, store } = await startRig();
    const { aggregateId: _, ...command } = createUser('', ada);
    const items = [command, { ...command, data: { ...ada, email: 'b@example.org' } }, command];
    const first = await app.inject(keyed('/commands', items));
    const second = await app.inject(keyed('/commands', items));
    expect(first.json().map(({ status }: { status: number }) => status)).toEqual([202, 202, 409]);
    expect([second.statusCode, second.body]).toEqual([first.statusCode, first.body]);
    expect(await store.events.head()).toBe(2);
  });

  it.each(['', 'x'.repeat(256), 'naïve'])('refuses the key %j', async (key) => {
    const { app } = await startRig({ server: { routes } });
    const answer = await app.inject(keyed('/users', ada, key));
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'MALFORMED_REQUEST']);
  });
});

describe('a command sent twice with one commandId in its body', () => {
  it('makes one aggregate under that command id', async () => {
    const { app, store } = await startRig({ server: { routes } });
    const body = { ...ada, commandId: 'mine-1' };
    const first = await app.inject({ method: 'POST', url: '/users', payload: body });
    const second = await app.inject({ method: 'POST', url: '/users', payload: body });
    expect(first.json().commandId).toBe('mine-1');
    expect([second.statusCode, second.body]).toEqual([first.statusCode, first.body]);
    expect(await store.events.head()).toBe(1);
  });
});
