import assert from 'node:assert/strict';
import { createSimulatedClock } from '../simulated-clock.ts';
import type { StoreCase } from '../store-subject.ts';
import { account } from './account.ts';
import { commandRig, eventId, foreign, passing } from './rig.ts';

/** Faults of the aggregate, snapshots, passivation, draining. */
export const livingCases: readonly StoreCase[] = [
  {
    name: 'a guard that throws, a hundred times, fails those commands alone',
    async run({ store, stream, name }) {
      const { id } = stream('Account');
      const { send } = commandRig(store);
      await send(id, 'Open', { name: name('ada') });
      const answers = await Promise.allSettled(
        Array.from({ length: 200 }, (_, n) => (n % 2 ? send(id, 'Throw') : send(id, 'Deposit', { amount: 1 }))),
      );
      const failed = answers.filter((each) => each.status === 'rejected' && each.reason.code === 'DECIDE_FAILED');
      assert.deepEqual([failed.length, answers.filter(({ status }) => status === 'fulfilled').length], [100, 100]);
    },
  },
  {
    name: 'a full mailbox says so at once, and others are unaffected',
    async run({ store, stream, name }) {
      const { id } = stream('Account');
      const { send } = commandRig(store, { settings: { mailboxCapacity: 10 } });
      const answers = await Promise.allSettled([
        send(id, 'Open', { name: name('ada') }),
        ...Array.from({ length: 29 }, () => send(id, 'Deposit', { amount: 1 })),
        send(stream('Account').id, 'Open', { name: name('bea') }),
      ]);
      const full = answers.filter((each) => each.status === 'rejected' && each.reason.code === 'MAILBOX_FULL');
      assert.equal(full.length, 20);
      assert.partialDeepStrictEqual(answers.at(-1), { value: { status: 'accepted' } });
    },
  },
  {
    name: 'a history that cannot be folded is tried again with backoff, then quarantined, alone',
    async run({ store, stream, name }) {
      const broken = stream('Account');
      const clock = createSimulatedClock();
      await store.events.append([{ stream: broken, expected: 'none', events: [foreign('Closed', {})] }]);
      const { send, supervisor } = commandRig(store, { clock });
      await assert.rejects(passing(clock, send(broken.id, 'Open', { name: name('ada') })), {
        code: 'AGGREGATE_QUARANTINED',
      });
      await assert.rejects(send(broken.id, 'Close'), { code: 'AGGREGATE_QUARANTINED' });
      assert.deepEqual(
        supervisor.quarantined().map(({ stream: { id }, error: { code } }) => [id, code]),
        [[broken.id, 'EVENT_NOT_FOLDABLE']],
      );
      const other = await send(stream('Account').id, 'Open', { name: name('bea') });
      assert.equal(other.status, 'accepted');
    },
  },
  {
    name: 'a history of newer code is answered NEWER_EVENT, without quarantine',
    async run({ store, stream, name }) {
      const newer = stream('Account');
      await store.events.append([{ stream: newer, expected: 'none', events: [foreign('Frozen', {})] }]);
      const { send, supervisor } = commandRig(store);
      await assert.rejects(send(newer.id, 'Open', { name: name('ada') }), { code: 'NEWER_EVENT', retryable: true });
      assert.deepEqual(supervisor.quarantined(), []);
    },
  },
  {
    name: 'snapshot and tail give what the whole history gives, and a foreign snapshot is ignored',
    async run({ store, stream, name }) {
      const own = stream('Account');
      const first = commandRig(store);
      await first.send(own.id, 'Open', { name: name('ada') });
      await first.send(own.id, 'Split', { amount: 12 });
      await first.send(own.id, 'Deposit', { amount: 5 });
      await first.snapshotter.flush();
      const saved = await store.snapshots.load(own, account.hash);
      assert(saved !== undefined);
      // Passed in the middle of twelve events: 10 was not a version that any command ended at.
      assert.partialDeepStrictEqual(saved, { version: 13, state: { context: { balance: 12 } } });
      await store.snapshots.delete(own);
      const lost = { ...saved, eventId: eventId('lost'), state: { value: 'closed', context: {} } };
      await store.snapshots.save([lost]);
      const next = await commandRig(store).send(own.id, 'Deposit', { amount: 1 });
      assert.partialDeepStrictEqual(next, { status: 'accepted', version: 15 });
    },
  },
  {
    name: 'ten thousand aggregates at once are kept apart',
    large: true,
    async run({ store, stream }) {
      const { send, supervisor } = commandRig(store);
      const ids = Array.from({ length: 10_000 }, () => stream('Account').id);
      const before = await store.events.head();
      await Promise.all(ids.flatMap((id, amount) => [send(id, 'Open', { name: id }), send(id, 'Deposit', { amount })]));
      assert.deepEqual([supervisor.residents, supervisor.inFlight], [10_000, 0]);
      assert.equal((await store.events.head()) - before, 20_000);
    },
  },
  {
    name: 'the least recently used is passivated beyond the bound, and no command that meets one is lost',
    async run({ store, stream }) {
      const { send, supervisor, history } = commandRig(store, { settings: { maxLiveActors: 10 } });
      const ids = Array.from({ length: 100 }, () => stream('Account').id);
      for (const id of ids) await send(id, 'Open', { name: id });
      assert.equal(supervisor.residents, 10);
      await Promise.all(ids.flatMap((id) => [send(id, 'Deposit', { amount: 1 }), send(id, 'Deposit', { amount: 2 })]));
      const lengths = await Promise.all(ids.map(async (id) => (await history(id)).length));
      assert.ok(lengths.every((length) => length === 3));
    },
  },
  {
    name: 'the idle are passivated after a while, and woken by the next command',
    async run({ store, stream, name }) {
      const { id } = stream('Account');
      const clock = createSimulatedClock();
      const { send, supervisor } = commandRig(store, { clock, settings: { idleMs: 1_000 } });
      await send(id, 'Open', { name: name('ada') });
      await clock.advance(5_000);
      assert.equal(supervisor.residents, 0);
      assert.partialDeepStrictEqual(await send(id, 'Deposit', { amount: 1 }), { version: 2 });
    },
  },
  {
    name: 'draining finishes what was taken and refuses the rest',
    async run({ store, stream, name }) {
      const { id } = stream('Account');
      const { send, supervisor, history } = commandRig(store);
      const taken = [send(id, 'Open', { name: name('ada') }), send(id, 'Deposit', { amount: 1 })];
      const drained = supervisor.drain();
      await assert.rejects(send(id, 'Deposit', { amount: 1 }), { code: 'DRAINING' });
      await drained;
      assert.deepEqual(
        (await Promise.all(taken)).map(({ version }) => version),
        [1, 2],
      );
      assert.equal((await history(id)).length, 2);
      assert.equal(supervisor.state, 'stopped');
    },
  },
];
