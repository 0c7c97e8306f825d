import assert from 'node:assert/strict';
import { failure } from '../../kernel/errors.ts';
import { createSimulatedClock } from '../simulated-clock.ts';
import type { StoreCase } from '../store-subject.ts';
import { commandRig, errorCode, foreign, passing, withAppend } from './rig.ts';

/** Other writers, and a store that does not answer or has no room. */
export const racingCases: readonly StoreCase[] = [
  {
    name: 'what stood on an append that another writer overtook is decided again, in order',
    async run({ store, stream, name }) {
      const account = stream('Account');
      const { send } = commandRig(store);
      await send(account.id, 'Open', { name: name('ada') });
      await store.events.append([{ stream: account, expected: 1, events: [foreign('Closed', {})] }]);
      const answers = await Promise.all([send(account.id, 'Deposit', { amount: 1 }), send(account.id, 'Close')]);
      for (const answer of answers)
        assert.partialDeepStrictEqual(answer, { status: 'refused', code: 'CLOSED', version: 2 });
    },
  },
  {
    name: 'a later entry is never taken for good because the version happens to fit again',
    async run({ store, stream, name }) {
      const account = stream('Account');
      const { send } = commandRig(store);
      await send(account.id, 'Open', { name: name('ada') });
      await store.events.append([{ stream: account, expected: 1, events: [foreign('Deposited', { amount: 100 })] }]);
      // Both are decided at version 1; the second expects version 2, which exists, but is not the one it was decided on.
      const [first, second] = await Promise.all([1, 2].map((amount) => send(account.id, 'Deposit', { amount })));
      assert.deepEqual([first?.version, second?.version], [3, 4]);
      assert.deepEqual(first?.status === 'accepted' && first.events[0]?.data, { amount: 1 });
    },
  },
  {
    name: 'what is chained over two appends keeps its order when the first is overtaken',
    async run({ store, stream, name }) {
      const account = stream('Account');
      const held = Promise.withResolvers<void>();
      const appended = Promise.withResolvers<void>();
      let deposits = 0;
      const slow = withAppend(store, async (entries, append) => {
        if (entries[0]?.events[0]?.type !== 'Deposited') return append(entries);
        deposits += 1;
        if (deposits === 1) {
          appended.resolve();
          await held.promise;
        }
        return append(entries);
      });
      const { send, history } = commandRig(slow);
      const deposit = (amount: number) => send(account.id, 'Deposit', { amount });
      await send(account.id, 'Open', { name: name('ada') });
      const first = deposit(1);
      await appended.promise;
      // Decided on what the first would lead to, and waiting for the next append.
      const second = deposit(2);
      await store.events.append([{ stream: account, expected: 1, events: [foreign('Deposited', { amount: 100 })] }]);
      held.resolve();
      const third = deposit(3);
      const versions = (await Promise.all([first, second, third])).map(({ version }) => version);
      const amounts = (await history(account.id)).slice(1).map(({ data }) => (data as { amount: number }).amount);
      assert.deepEqual(
        [versions, amounts],
        [
          [3, 4, 5],
          [100, 1, 2, 3],
        ],
      );
    },
  },
  {
    name: 'no refusal is given on a state that another worker has overtaken',
    async run({ store, stream, name }) {
      const { id } = stream('Account');
      const [one, two] = [commandRig(store), commandRig(store)];
      assert.partialDeepStrictEqual(await one.send(id, 'Deposit', { amount: 1 }), { code: 'NOT_FOUND' });
      await two.send(id, 'Open', { name: name('ada') });
      assert.partialDeepStrictEqual(await one.send(id, 'Deposit', { amount: 1 }), { status: 'accepted', version: 2 });
    },
  },
  {
    name: 'a conflict at every append leads to the same final state',
    async run({ store, stream, name }) {
      const { id } = stream('Account');
      const other = commandRig(store);
      let hostile = true;
      const raced = withAppend(store, async (entries, append) => {
        // Between every decision and its append another worker is faster; then it lets one through.
        if (hostile && entries[0]?.events[0]?.type === 'Deposited') await other.send(id, 'Deposit', { amount: 100 });
        hostile = !hostile;
        return append(entries);
      });
      const { send, history } = commandRig(raced);
      await send(id, 'Open', { name: name('ada') });
      for (let amount = 1; amount <= 10; amount += 1) {
        assert.partialDeepStrictEqual(await send(id, 'Deposit', { amount }), { status: 'accepted' });
      }
      const own = (await history(id))
        .map(({ data }) => (data as { amount?: number }).amount ?? 0)
        .filter((n) => n < 100);
      assert.deepEqual(own, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    },
  },
  {
    name: 'after a failed append, [Close, Close, Deposit expecting version 1] are all answered for what was committed',
    async run({ store, stream, name }) {
      const { id } = stream('Account');
      let broken = true;
      const full = withAppend(store, (entries, append) => {
        if (!broken || entries[0]?.events[0]?.type !== 'Closed') return append(entries);
        broken = false;
        return Promise.reject(failure('STORE_FULL'));
      });
      const { send, history } = commandRig(full);
      await send(id, 'Open', { name: name('ada') });
      const [first, second, third] = await Promise.allSettled([
        send(id, 'Close'),
        send(id, 'Close'),
        send(id, 'Deposit', { amount: 1 }, { expectedVersion: 1 }),
      ]);
      assert.equal(errorCode(first), 'STORE_FULL');
      assert.equal(errorCode(second), 'STORE_FULL');
      assert.partialDeepStrictEqual(third, { value: { status: 'accepted', version: 2 } });
      assert.deepEqual(
        (await history(id)).map(({ type }) => type),
        ['Opened', 'Deposited'],
      );
    },
  },
  silence('without the append having happened', 'never'),
  silence('with the append having happened', 'before'),
  silence('with the append landing later', 'later'),
  {
    name: 'an expected version is compared with what is committed, also where another worker is ahead',
    async run({ store, stream, name }) {
      const account = stream('Account');
      const { send } = commandRig(store);
      const deposit = (expectedVersion: number) => send(account.id, 'Deposit', { amount: 1 }, { expectedVersion });
      const [, right, wrong] = await Promise.all([
        send(account.id, 'Open', { name: name('ada') }),
        deposit(1),
        deposit(1),
      ]);
      assert.partialDeepStrictEqual(right, { status: 'accepted', version: 2 });
      assert.partialDeepStrictEqual(wrong, { status: 'refused', code: 'VERSION_CONFLICT', version: 2 });
      await store.events.append([{ stream: account, expected: 2, events: [foreign('Deposited', { amount: 5 })] }]);
      assert.partialDeepStrictEqual(await deposit(3), { status: 'accepted', version: 4 });
    },
  },
  {
    name: 'a command that lost five races is given up, and the others are kept',
    async run({ store, stream, name }) {
      const { id } = stream('Account');
      let hostile = true;
      const raced = withAppend(store, async (entries, append) => {
        const [first] = entries;
        if (hostile && first?.events[0]?.type === 'Deposited') {
          await append([{ stream: first.stream, expected: 'exists', events: [foreign('Deposited', { amount: 0 })] }]);
        }
        return append(entries);
      });
      const { send, history } = commandRig(raced);
      await send(id, 'Open', { name: name('ada') });
      await assert.rejects(send(id, 'Deposit', { amount: 1 }), { code: 'CONTENTION' });
      hostile = false;
      assert.partialDeepStrictEqual(await send(id, 'Deposit', { amount: 2 }), { status: 'accepted', version: 7 });
      assert.equal((await history(id)).length, 7);
    },
  },
];

/** A store that is silent twice; the append happens never, before its answer is lost, or while it is sent again. */
function silence(how: string, happens: 'never' | 'before' | 'later'): StoreCase {
  return {
    name: `a store that does not answer, ${how}: no event twice, none lost`,
    async run({ store, stream, name }) {
      const { id } = stream('Account');
      const clock = createSimulatedClock();
      let silent = 2;
      let late: Promise<unknown> = Promise.resolve();
      const flaky = withAppend(store, async (entries, append) => {
        await late;
        if (silent === 0) return append(entries);
        silent -= 1;
        if (happens === 'before') await append(entries);
        if (happens === 'later') late = clock.advance(0).then(() => append(entries));
        throw failure('STORE_UNAVAILABLE');
      });
      const { send, history } = commandRig(flaky, { clock });
      const ada = name('ada');
      const commands = [
        send(id, 'Open', { name: ada }),
        send(id, 'Deposit', { amount: 1 }),
        send(id, 'Open', { name: ada }),
      ];
      const answers = await passing(clock, Promise.all(commands));
      assert.deepEqual(
        answers.map(({ status, version }) => [status, version]),
        [
          ['accepted', 1],
          ['accepted', 2],
          ['refused', 2],
        ],
      );
      assert.deepEqual(
        (await history(id)).map(({ type }) => type),
        ['Opened', 'Deposited'],
      );
      assert.partialDeepStrictEqual(await send(id, 'Deposit', { amount: 1 }), { version: 3 });
    },
  };
}
