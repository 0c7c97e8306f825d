import { describe, expect, it } from 'vitest';
import { user } from '../../machines/user.machine.ts';
import { defineAggregate } from '../../src/runtime/define.ts';
import { ada, createUser, startRig } from './rig.ts';

const send = (payload: object, headers: Record<string, string> = {}) => ({
  method: 'POST' as const,
  url: '/commands',
  payload,
  headers,
});

describe('POST /commands', () => {
  it('answers an accepted command with its ids, version, position and events', async () => {
    const { app } = await startRig();
    const answer = await app.inject(send(createUser('ada', ada)));
    expect(answer.statusCode).toBe(202);
    expect(answer.json()).toMatchObject({
      message: 'Command accepted',
      aggregateId: 'ada',
      version: 1,
      position: 1,
      events: [{ type: 'UserCreated', stream: { type: 'User', id: 'ada' }, version: 1, position: 1, data: ada }],
    });
    expect(answer.json().commandId).toBe(answer.json().events[0].meta.commandId);
  });

  it('makes a new aggregate when no id is given', async () => {
    const { app } = await startRig();
    const { aggregateId: _, ...command } = createUser('', ada);
    const answer = await app.inject(send(command));
    expect(answer.json().aggregateId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('answers a refusal with 409, its code and the commands that are legal now', async () => {
    const { app } = await startRig();
    await app.inject(send(createUser('ada', ada)));
    const answer = await app.inject(send(createUser('ada', ada)));
    expect(answer.statusCode).toBe(409);
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(answer.json()).toMatchObject({
      type: '/docs/errors#COMMAND_REFUSED',
      title: 'The aggregate refused the command',
      status: 409,
      detail: 'The user exists already.',
      code: 'USER_EXISTS',
      instance: '/commands',
      error: 'The aggregate refused the command',
      message: 'The user exists already.',
      aggregateId: 'ada',
      version: 1,
      position: 1,
    });
    expect(answer.json().commands).toContainEqual({ type: 'VerifyEmail', verdict: 'accepted' });
  });

  it('answers a claim held by another with 409', async () => {
    const { app } = await startRig();
    await app.inject(send(createUser('ada', ada)));
    const answer = await app.inject(send(createUser('other', { ...ada, email: ' ADA@example.org' })));
    expect(answer.statusCode).toBe(409);
    expect(answer.json().code).toBe('EMAIL_TAKEN');
  });

  it('answers a command to an aggregate that is not there with 404', async () => {
    const { app } = await startRig();
    const answer = await app.inject(send({ type: 'VerifyEmail', aggregateType: 'User', aggregateId: 'nobody' }));
    expect(answer.statusCode).toBe(404);
    expect(answer.json()).toMatchObject({ type: '/docs/errors#NOT_FOUND', code: 'NOT_FOUND' });
  });

  it('refuses a lost version race with 409 and the commands that are legal now', async () => {
    const { app } = await startRig();
    await app.inject(send(createUser('ada', ada)));
    const verify = { type: 'VerifyEmail', aggregateType: 'User', aggregateId: 'ada' };
    const answer = await app.inject(send({ ...verify, expectedVersion: 7 }));
    expect(answer.statusCode).toBe(409);
    expect(answer.json()).toMatchObject({
      type: '/docs/errors#VERSION_CONFLICT',
      code: 'VERSION_CONFLICT',
      version: 1,
    });
    expect(answer.json().commands).toContainEqual({ type: 'VerifyEmail', verdict: 'accepted' });
    expect((await app.inject(send({ ...verify, expectedVersion: 1 }))).statusCode).toBe(202);
  });

  it('keeps the correlation id that the caller gives', async () => {
    const { app } = await startRig();
    const answer = await app.inject(send({ ...createUser('ada', ada), correlationId: 'import-7' }));
    expect(answer.json().events[0].meta.correlationId).toBe('import-7');
  });

  it('refuses data that does not fit with 400 and names the field', async () => {
    const { app } = await startRig();
    const answer = await app.inject(send(createUser('ada', { ...ada, email: 'nobody', age: 36 })));
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({ code: 'INVALID_COMMAND' });
    const paths = answer.json().details.misfits.map(({ path }: { path: string }) => path);
    expect(paths).toContain('data.age');
    expect(paths).toContain('data.email');
  });

  it.each([
    ['an unknown aggregate type', { ...createUser('a'), aggregateType: 'Robot' }, 404, 'UNKNOWN_AGGREGATE_TYPE'],
    [
      'a type that every object has',
      { ...createUser('a'), aggregateType: 'constructor' },
      404,
      'UNKNOWN_AGGREGATE_TYPE',
    ],
    ['an unknown command', { ...createUser('a'), type: 'Fly' }, 404, 'UNKNOWN_COMMAND'],
    ['a command that every object has', { ...createUser('a'), type: 'toString' }, 404, 'UNKNOWN_COMMAND'],
    ['an empty id', createUser('', ada), 422, 'INVALID_ID'],
    ['an id of 513 bytes', createUser(`${'é'.repeat(256)}x`, ada), 422, 'INVALID_ID'],
    ['an id with NUL', createUser('a\0b', ada), 422, 'INVALID_ID'],
    ['an id with half a surrogate pair', createUser('a\ud800', ada), 422, 'INVALID_ID'],
    ['occurredAt from who is no admin', { ...createUser('a'), occurredAt: '2020-01-01T00:00:00Z' }, 403, 'FORBIDDEN'],
    ['an unknown field', { ...createUser('a'), expectedversion: 1 }, 400, 'MALFORMED_REQUEST'],
    ['a version that is no number', { ...createUser('a'), expectedVersion: '1' }, 400, 'MALFORMED_REQUEST'],
    ['a missing type', { aggregateType: 'User' }, 400, 'MALFORMED_REQUEST'],
    ['no array items', [], 400, 'MALFORMED_REQUEST'],
  ])('refuses %s', async (_, payload, status, code) => {
    const { app } = await startRig();
    const answer = await app.inject(send(payload));
    expect([answer.statusCode, answer.json().code]).toEqual([status, code]);
  });

  it('does not know the aggregates that are the runtime alone', async () => {
    const hidden = defineAggregate({ ...user, internal: true });
    const { app } = await startRig({ processor: { aggregates: [hidden] } });
    const answer = await app.inject(send(createUser('ada', ada)));
    expect([answer.statusCode, answer.json().code]).toEqual([404, 'UNKNOWN_AGGREGATE_TYPE']);
  });

  it('lets an admin say when it happened, and tells who acted', async () => {
    const { app } = await startRig({ server: { authenticate: () => ({ id: 'root', admin: true }) } });
    const occurredAt = '2020-01-01T00:00:00.000Z';
    const answer = await app.inject(send({ ...createUser('ada', ada), occurredAt }));
    expect(answer.json().events[0].meta).toMatchObject({ occurredAt, userId: 'root' });
  });
});

describe('an array of commands', () => {
  it('is answered with one result each, in order, each with its own status', async () => {
    const { app } = await startRig();
    const verify = { type: 'VerifyEmail', aggregateType: 'User', aggregateId: 'ada' };
    const answer = await app.inject(
      send([createUser('ada', ada), verify, verify, { ...verify, type: 'Fly' }, createUser('bob')]),
    );
    expect(answer.statusCode).toBe(207);
    const results = answer.json() as { status: number; code?: string; version?: number; aggregateId?: string }[];
    expect(results.map(({ status }) => status)).toEqual([202, 202, 409, 404, 202]);
    expect(results.map(({ code }) => code)).toEqual([
      undefined,
      undefined,
      'EMAIL_ALREADY_VERIFIED',
      'UNKNOWN_COMMAND',
      undefined,
    ]);
    expect(results[1]?.version).toBe(2);
    expect(results[4]?.aggregateId).toBe('bob');
  });

  it('refuses the whole when one item is malformed, and does nothing', async () => {
    const { app, store } = await startRig();
    const answer = await app.inject(send([createUser('ada', ada), { type: 'VerifyEmail' }]));
    expect(answer.statusCode).toBe(400);
    expect(await store.events.head()).toBe(0);
  });
});
