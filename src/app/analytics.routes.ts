import type { Processor, Routes } from 'statewright';
import { type Static, Type } from 'typebox';
import { asOf, One, OneQuery } from './reading.ts';

const Statistics = Type.Object({
  total: Type.Integer(),
  active: Type.Integer(),
  verified: Type.Integer(),
  totalSpent: Type.Integer({ description: 'in minor units' }),
});

/** What all users add up to, kept as they change. */
export function analyticsRoutes(processor: Processor): Routes {
  return async (app) => {
    app.get(
      '/analytics/users',
      {
        schema: { summary: 'The users counted', tags: ['analytics'], querystring: OneQuery, response: One(Statistics) },
      },
      async ({ query }) => {
        const sums = (await processor.query('users.totals', {}, asOf(query.waitFor))) as Partial<
          Static<typeof Statistics>
        >;
        return { data: { total: 0, active: 0, verified: 0, totalSpent: 0, ...sums } };
      },
    );
  };
}
