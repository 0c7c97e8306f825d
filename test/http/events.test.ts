import { describe, expect, it } from 'vitest';
import { ada, createUser, type Rig, startRig } from './rig.ts';

const place = {
  type: 'PlaceOrder',
  aggregateType: 'Order',
  aggregateId: 'o1',
  data: { userId: 'ada', customerEmail: ada.email, items: [{ sku: 's', name: 'n', quantity: 1, unitPrice: 100 }] },
  correlationId: 'shopping',
};
const verify = { type: 'VerifyEmail', aggregateType: 'User', aggregateId: 'ada' };

interface Page {
  readonly data: readonly { readonly type: string }[];
  readonly head: number;
  readonly nextAfter?: number;
}

async function rigWithLog(): Promise<Rig> {
  const rig = await startRig();
  const payload = [createUser('ada', ada), place, verify, createUser('bob')];
  const answer = await rig.app.inject({ method: 'POST', url: '/commands', payload });
  expect(answer.json().map(({ status }: { status: number }) => status)).toEqual([202, 202, 202, 202]);
  return rig;
}

describe('GET /events', () => {
  it('gives the log by pages of positions, to its head', async () => {
    const { app } = await rigWithLog();
    const types: string[] = [];
    for (let after: number | undefined = 0; after !== undefined; ) {
      const page: Page = (await app.inject(`/events?after=${after}&limit=3`)).json();
      types.push(...page.data.map(({ type }) => type));
      expect(page.head).toBe(4);
      after = page.nextAfter;
    }
    expect(types.sort()).toEqual(['EmailVerified', 'OrderPlaced', 'UserCreated', 'UserCreated']);
  });

  it.each([
    ['type=UserCreated', 2],
    ['type=UserCreated&type=OrderPlaced', 3],
    ['pattern=User.*', 3],
    ['pattern=*.OrderPlaced', 1],
    ['pattern=User.UserCreated&after=4', 0],
    ['correlationId=shopping', 1],
    ['type=Nothing', 0],
  ])('filters by %s', async (query, count) => {
    const { app } = await rigWithLog();
    expect((await app.inject(`/events?${query}`)).json().data).toHaveLength(count);
  });

  it.each(['after=-1', 'after=x', 'limit=0', 'pattern=User', 'pattern=U*.x', 'pattern=a.b.c', 'correlationId='])(
    'refuses ?%s',
    async (query) => {
      const { app } = await startRig();
      const answer = await app.inject(`/events?${query}`);
      expect([answer.statusCode, answer.json().code]).toEqual([400, 'MALFORMED_REQUEST']);
    },
  );

  it('tells what the bus did, beside it', async () => {
    const { app } = await startRig();
    const { data } = (await app.inject('/events/metrics')).json();
    expect(data).toMatchObject({ published: 0, delivered: 0, failed: 0, retried: 0, deadLettered: 0, inFlight: 0 });
    expect(data.breakers).toMatchObject({ store: 'closed' });
  });
});
