import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createRandom } from '../../src/testing/random.ts';
import { type Answered, call, type Outgoing } from './caller.ts';
import type { Fleet } from './fleet.ts';

/** Clients that send commands, one after the other each, until they are stopped. */
export interface Load {
  /** Every definite answer so far. */
  readonly answers: readonly Answered[];
  /** Resolves in the midst of things, once so many more commands are answered. @throws what a client failed with */
  answered(more: number): Promise<void>;
  /** Every client gets the answer that it waits for, then ends. @throws what a client failed with */
  stop(): Promise<void>;
}

/** What is sent, and by how many. */
export interface LoadOptions {
  /** The even ones live the lives of users, the odd ones change those of the crowd. */
  readonly clients: number;
  /** How many users all clients share, so that they race for them across the servers. */
  readonly crowd: number;
}

/** One command in so many is sent a second time, long after its answer. */
const repeatOneIn = 10;

export function startLoad(fleet: Fleet, { clients, crowd: size }: LoadOptions): Load {
  const answers: Answered[] = [];
  const waiting = new Set<{ readonly count: number; resolve(): void }>();
  let stopping = false;

  const noted = (answer: Answered): void => {
    answers.push(answer);
    for (const each of waiting) if (answers.length >= each.count) each.resolve();
  };

  async function client(number: number, crowd: readonly string[]): Promise<void> {
    const random = createRandom(number);
    const mine: { readonly key: string; readonly outgoing: Outgoing; readonly answer: Answered }[] = [];

    async function send(outgoing: Outgoing, refusal?: string): Promise<Answered> {
      const key = randomUUID();
      const answer = await call(fleet, number, key, outgoing);
      assert.equal(answer.body.code, refusal, `${outgoing.path}: ${JSON.stringify(answer.body)}`);
      noted(answer);
      mine.push({ key, outgoing, answer });
      const again = random.below(repeatOneIn) === 0 ? mine[random.below(mine.length)] : undefined;
      if (again !== undefined) assert.deepEqual(await call(fleet, number + 1, again.key, again.outgoing), again.answer);
      return answer;
    }

    for (let count = 0; !stopping; count += 1) {
      const email = `c${number}-${count}@example.com`;
      const one = () => crowd[random.below(crowd.length)] ?? '';
      const steps = number % 2 === 0 ? life(send, email, one(), random.below(4)) : changes(send, email, one);
      for await (const _ of steps) if (stopping) return;
    }
  }

  async function member(number: number): Promise<string> {
    const body = { email: `member${number}@example.com`, firstName: 'Member', lastName: `${number}` };
    const answer = await call(fleet, number, randomUUID(), { path: '/users', body });
    assert.equal(answer.status, 202);
    noted(answer);
    return answer.body.aggregateId;
  }

  const over = Promise.all(Array.from({ length: size }, (_, number) => member(number))).then((crowd) =>
    Promise.all(Array.from({ length: clients }, (_, number) => client(number, crowd))),
  );
  over.catch(() => {});

  return {
    answers,
    async answered(more) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const entry = { count: answers.length + more, resolve };
      waiting.add(entry);
      await Promise.race([promise, over]);
      waiting.delete(entry);
    },
    async stop() {
      stopping = true;
      await over;
    },
  };
}

type Send = (outgoing: Outgoing, refusal?: string) => Promise<Answered>;

const items = [
  { sku: 'book', name: 'Sketch of the Analytical Engine', quantity: 2, unitPrice: 1_999 },
  { sku: 'pen', name: 'A pen', quantity: 1, unitPrice: 250 },
];
const shipment = { trackingNumber: 'T1', trackingUrl: 'https://post.example/T1', estimatedDelivery: '2026-12-24' };

/** A user's life, one command a step; how it ends depends on `fate`, 0…3. */
async function* life(send: Send, email: string, another: string, fate: number): AsyncGenerator<unknown> {
  const created = await send({ path: '/users', body: { email, firstName: 'Ada', lastName: 'Lovelace' } });
  yield created;
  const userId = created.body.aggregateId;
  yield await send({ path: `/users/${userId}/verify-email` });
  yield await send({ path: '/users', body: { email, firstName: 'Eve', lastName: 'Twin' } }, 'EMAIL_TAKEN');
  yield await send({ method: 'PATCH', path: `/users/${another}`, body: { firstName: email, lastName: 'Member' } });
  const placed = await send({ path: '/orders', body: { userId, customerEmail: email, items } });
  yield placed;
  const order = `/orders/${placed.body.aggregateId}`;
  yield await send({ path: `${order}/complete` });
  if (fate === 0) yield await send({ path: `${order}/ship`, body: shipment });
  if (fate === 1) yield await send({ path: `${order}/cancel`, body: { reason: 'changed my mind' } });
  if (fate === 2) yield await send({ path: `/users/${userId}/deactivate`, body: { reason: 'moved away' } });
  if (fate === 3) yield await send({ path: `/users/${userId}/verify-email` }, 'EMAIL_ALREADY_VERIFIED');
}

/** Ten changes of the crowd's users, each of whichever comes. */
async function* changes(send: Send, name: string, one: () => string): AsyncGenerator<unknown> {
  for (let count = 0; count < 10; count += 1) {
    yield await send({ method: 'PATCH', path: `/users/${one()}`, body: { firstName: name, lastName: `${count}` } });
  }
}
