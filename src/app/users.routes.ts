import { commandRoute, type Processor, type Routes, type RowsAnswer, WaitFor } from 'statewright';
import { type Static, Type } from 'typebox';
import { user } from '../../machines/user.machine.ts';
import { asOf, One, OneQuery, oneOf, Page, PageQuery, pageOf } from './reading.ts';
import type { Tokens } from './tokens.ts';
import { UserRow } from './users.projection.ts';

const tags = ['users'];
const source = 'user-service';
const Params = Type.Object({ id: Type.String() });
const Search = Type.Object({
  q: Type.String({ minLength: 1, maxLength: 200 }),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'default 50' })),
  ...WaitFor,
});

/** Users: four commands, three reads. */
export function usersRoutes({ processor, tokens }: { readonly processor: Processor; readonly tokens: Tokens }): Routes {
  const verifying = commandRoute(user, 'VerifyEmail', {
    message: 'Email verification initiated',
    source,
    body: { token: Type.Optional(Type.String({ maxLength: 4096 })) },
    async data({ token }, { params }) {
      if (typeof token === 'string') await checkToken((params as Static<typeof Params>).id, token);
      return {};
    },
  });

  /** Of a user nobody knows the token is not looked at: the command is refused anyway. */
  async function checkToken(userId: string, token: string): Promise<void> {
    const view = await processor.read({ type: user.name, id: userId });
    if (view === undefined) return;
    const { email } = view.context as { readonly email: string };
    await tokens.verify(token, { purpose: 'verify-email', userId, email });
  }

  return async (app) => {
    app.post('/users', commandRoute(user, 'CreateUser', { message: 'User creation initiated', source }));
    app.patch('/users/:id', commandRoute(user, 'UpdateUserProfile', { message: 'Profile update initiated', source }));
    app.post('/users/:id/verify-email', verifying);
    app.post(
      '/users/:id/deactivate',
      commandRoute(user, 'DeactivateUser', { message: 'User deactivation initiated', source }),
    );

    app.get(
      '/users',
      { schema: { summary: 'Users, by pages', tags, querystring: PageQuery, response: Page(UserRow) } },
      async ({ query }) => pageOf<UserRow>(processor, 'users', query),
    );
    app.get(
      '/users/search',
      { schema: { summary: 'Users by a part of email or name', tags, querystring: Search, response: Page(UserRow) } },
      async ({ query: { waitFor, ...input } }) => {
        const { rows } = (await processor.query('users.search', input, asOf(waitFor))) as RowsAnswer;
        return { data: rows as unknown as UserRow[] };
      },
    );
    app.get(
      '/users/:id',
      { schema: { summary: 'One user', tags, params: Params, querystring: OneQuery, response: One(UserRow) } },
      async ({ params, query }) => oneOf<UserRow>(processor, 'users', params.id, query.waitFor),
    );
  };
}
