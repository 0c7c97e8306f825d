import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { user } from '../../machines/user.machine.ts';
import { commandRoute } from '../../src/http/command-route.ts';
import type { Routes } from '../../src/http/routes.ts';
import { commandReply, sendCommand } from '../../src/http/send-command.ts';
import { failure } from '../../src/kernel/errors.ts';
import { ada, startRig } from './rig.ts';

/** What an application writes. */
const users: Routes = async (app) => {
  app.post('/users', commandRoute(user, 'CreateUser', { message: 'User creation initiated' }));
  app.patch('/users/:id', commandRoute(user, 'UpdateUserProfile', { message: 'Update initiated', source: 'desk' }));
  app.post(
    '/users/:id/verify-email',
    commandRoute(user, 'VerifyEmail', {
      message: 'Verification initiated',
      body: { token: Type.String() },
      data({ token }) {
        if (token !== 'right') throw failure('FORBIDDEN');
        return {};
      },
    }),
  );
  app.post('/leave/:id', { schema: { params: Type.Object({ id: Type.String() }) } }, async (request, reply) => {
    const { id } = request.params;
    const command = { aggregateType: 'User', aggregateId: id, type: 'DeactivateUser', data: { reason: 'left' } };
    return commandReply(reply, await sendCommand(request, command), 'Goodbye');
  });
  // Registered after the route that could shadow it: SPEC §5, trap 7.
  app.get('/users/:id', async (request) => ({ id: (request.params as { id: string }).id }));
  app.get('/users/search', async () => ({ search: true }));
};
const rig = () => startRig({ server: { routes: [users] } });

describe('a route that sends a command', () => {
  it('makes a new aggregate from the body', async () => {
    const { app } = await rig();
    const answer = await app.inject({ method: 'POST', url: '/users', payload: ada });
    expect(answer.statusCode).toBe(202);
    expect(answer.json()).toMatchObject({ message: 'User creation initiated', version: 1, events: [{ data: ada }] });
  });

  it('sends to the aggregate in its path, with what stands beside the data in the body', async () => {
    const { app } = await rig();
    const { aggregateId } = (await app.inject({ method: 'POST', url: '/users', payload: ada })).json();
    const payload = {
      firstName: 'Augusta',
      lastName: 'King',
      expectedVersion: 1,
      correlationId: 'c1',
      commandId: 'u1',
    };
    const answer = await app.inject({ method: 'PATCH', url: `/users/${aggregateId}`, payload });
    expect(answer.json()).toMatchObject({ aggregateId, commandId: 'u1', version: 2 });
    expect(answer.json().events[0].meta).toMatchObject({ correlationId: 'c1', source: 'desk' });
    const late = await app.inject({
      method: 'PATCH',
      url: `/users/${aggregateId}`,
      payload: { ...payload, commandId: 'u2' },
    });
    expect([late.statusCode, late.json().code]).toEqual([409, 'VERSION_CONFLICT']);
  });

  it('takes a body of its own, from which the data is made', async () => {
    const { app } = await rig();
    const { aggregateId } = (await app.inject({ method: 'POST', url: '/users', payload: ada })).json();
    const verify = (payload: object) =>
      app.inject({ method: 'POST', url: `/users/${aggregateId}/verify-email`, payload });
    expect((await verify({})).statusCode).toBe(400);
    expect((await verify({ token: 'wrong' })).statusCode).toBe(403);
    expect((await verify({ token: 'right' })).statusCode).toBe(202);
  });

  it('may be written by hand', async () => {
    const { app } = await rig();
    const { aggregateId } = (await app.inject({ method: 'POST', url: '/users', payload: ada })).json();
    const answer = await app.inject({ method: 'POST', url: `/leave/${aggregateId}` });
    expect(answer.json()).toMatchObject({ message: 'Goodbye', version: 2 });
  });

  it('refuses what does not fit before it is sent', async () => {
    const { app, store } = await rig();
    const answer = await app.inject({ method: 'POST', url: '/users', payload: { ...ada, email: 'x', age: 1 } });
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'MALFORMED_REQUEST']);
    expect(answer.json().details.misfits.map(({ path }: { path: string }) => path)).toEqual(['body.age', 'body.email']);
    expect(await store.events.head()).toBe(0);
  });
});

describe('the routes of an application', () => {
  it('are found by what is fixed in them before what is not, in whatever order they were added', async () => {
    const { app } = await rig();
    expect((await app.inject('/users/search')).json()).toEqual({ search: true });
    expect((await app.inject('/users/searcher')).json()).toEqual({ id: 'searcher' });
  });

  it('have problems, 405 and OpenAPI like the generic ones', async () => {
    const { app } = await rig();
    expect((await app.inject({ method: 'DELETE', url: '/users' })).headers.allow).toBe('OPTIONS, POST');
    expect((await app.inject('/openapi.json')).json().paths['/users'].post.summary).toBe('CreateUser to a User');
  });

  it('cannot take a field of the command for one that stands beside it', () => {
    const odd = {
      ...user,
      schemas: { ...user.schemas, commands: { CreateUser: Type.Object({ commandId: Type.String() }) } },
    };
    expect(() => commandRoute(odd, 'CreateUser', { message: '' })).toThrow(/INVALID_DEFINITION|not usable/);
  });
});
