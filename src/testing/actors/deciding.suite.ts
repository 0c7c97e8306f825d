import assert from 'node:assert/strict';
import type { StoreCase } from '../store-subject.ts';
import { commandId, commandRig, errorCode, withAppend } from './rig.ts';

/** Accepting, refusing, repeating. */
export const decidingCases: readonly StoreCase[] = [
  {
    name: 'an accepted command is answered with its version, position and events, as the log has them',
    async run({ store, stream, name }) {
      const { id } = stream('Account');
      const { send, history } = commandRig(store);
      const opened = await send(id, 'Open', { name: name('ada') });
      assert.partialDeepStrictEqual(opened, { status: 'accepted', aggregateId: id, version: 1 });
      const split = await send(id, 'Split', { amount: 3 });
      assert(opened.status === 'accepted' && split.status === 'accepted');
      assert.deepEqual([split.version, split.events.map(({ version }) => version)], [4, [2, 3, 4]]);
      assert.equal(split.events.at(-1)?.position, split.position);
      assert.deepEqual(await history(id), [...opened.events, ...split.events]);
    },
  },
  {
    name: 'a thousand commands in flight are handled in their order, sharing appends',
    async run({ store, stream, name }) {
      const { id } = stream('Account');
      let appends = 0;
      const counting = withAppend(store, (entries, append) => {
        appends += 1;
        return append(entries);
      });
      const { send, history } = commandRig(counting);
      const deposits = Array.from({ length: 999 }, (_, amount) => amount);
      const answers = await Promise.all([
        send(id, 'Open', { name: name('ada') }),
        ...deposits.map((amount) => send(id, 'Deposit', { amount })),
      ]);
      assert.deepEqual(
        answers.map(({ version }) => version),
        Array.from({ length: 1000 }, (_, n) => n + 1),
      );
      assert.deepEqual(
        (await history(id)).slice(1).map(({ data }) => data),
        deposits.map((amount) => ({ amount })),
      );
      assert.ok(appends < 20, `${appends} appends`);
    },
  },
  {
    name: 'a refusal has a code, a reason and what would be legal, and appends nothing',
    async run({ store, stream, name }) {
      const { id } = stream('Account');
      const { send, history } = commandRig(store);
      assert.partialDeepStrictEqual(await send(id, 'Deposit', { amount: 1 }), {
        status: 'refused',
        code: 'NOT_FOUND',
        version: 0,
      });
      await send(id, 'Open', { name: name('ada') });
      const refused = await send(id, 'Open', { name: name('ada') });
      assert.partialDeepStrictEqual(refused, {
        code: 'ALREADY_OPEN',
        because: 'The account is open already.',
        version: 1,
      });
      const legal = refused.status === 'refused' && refused.commands.find(({ type }) => type === 'Deposit');
      assert.deepEqual(legal, { type: 'Deposit', verdict: 'accepted' });
      assert.equal((await history(id)).length, 1);
    },
  },
  {
    name: 'a repeated command is given its first outcome, a refusal too, and nothing happens twice',
    async run({ store, stream, name }) {
      const { id } = stream('Account');
      const { send, history } = commandRig(store);
      const ada = name('ada');
      const open = () => send(id, 'Open', { name: ada }, { commandId: commandId('one') });
      const again = () => send(id, 'Open', { name: 'other' }, { commandId: commandId('two') });
      const [opened, refused] = [await open(), await again()];
      await send(id, 'Close');
      assert.deepEqual([await open(), await again()], [opened, refused]);
      assert.equal((await history(id)).length, 2);
    },
  },
  {
    name: 'the same command in flight is joined, and its id refused for another',
    async run({ store, stream, name }) {
      const { id } = stream('Account');
      const { send, history } = commandRig(store);
      const [ada, bea] = [name('ada'), name('bea')];
      const [first, second, other] = await Promise.allSettled(
        [ada, ada, bea].map((each) => send(id, 'Open', { name: each }, { commandId: commandId('one') })),
      );
      assert.partialDeepStrictEqual(first, { status: 'fulfilled', value: { status: 'accepted' } });
      assert.deepEqual(second, first);
      assert.equal(errorCode(other), 'COMMAND_ID_REUSED');
      assert.equal((await history(id)).length, 1);
    },
  },
  {
    name: 'of fifty that want one claim, one gets it and the others are told',
    async run({ store, stream, name }) {
      const { send } = commandRig(store);
      const wanted = name('ada');
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, n) =>
          send(stream().id, 'Open', { name: n % 2 ? wanted : ` ${wanted.toUpperCase()} ` }),
        ),
      );
      assert.equal(answers.filter(({ status }) => status === 'accepted').length, 1);
      assert.equal(answers.filter((each) => each.status === 'refused' && each.code === 'NAME_TAKEN').length, 49);
    },
  },
];
