import assert from 'node:assert/strict';
import type { CommandId } from '../../kernel/message.ts';
import { append, collect, commit, kinds, newCommand, newEvent, newEvents } from '../store-fixtures.ts';
import type { StoreCase } from '../store-subject.ts';

export const commandIdCases: readonly StoreCase[] = [
  {
    name: 'the same command id again is a duplicate with the first outcome, and stores nothing',
    async run({ store, stream }) {
      const one = stream();
      const command = newCommand({ fingerprint: 'of the first' });
      await commit(store, one, 'none', newEvents(2));
      const { version, position, recordedAt } = await commit(store, one, 2, newEvents(3), { command });
      await commit(store, one, 'any');
      assert.deepEqual(await append(store, one, 2, newEvents(3), { command }), {
        kind: 'duplicate',
        first: { ...command, version, count: 3, position, recordedAt },
      });
      assert.equal((await store.events.streamHead(one)).version, 6);
    },
  },
  {
    name: 'the same command id with another fingerprint is a duplicate that tells the first fingerprint',
    async run({ store, stream }) {
      const one = stream();
      const command = newCommand({ fingerprint: 'of the first' });
      await commit(store, one, 'none', [newEvent()], { command });
      const again = await append(store, one, 1, [newEvent()], { command: { ...command, fingerprint: 'another' } });
      assert.equal(again.kind === 'duplicate' && again.first.fingerprint, 'of the first');
    },
  },
  {
    name: 'an entry without events records a refusal, which comes back with its code, reason and commands',
    async run({ store, stream }) {
      const one = stream();
      const refused = {
        code: 'ALREADY_OPEN',
        because: 'Das Konto „Ω“ ist offen.',
        commands: { Pay: 'accepted', List: [null] },
      };
      const command = newCommand({ refused });
      await commit(store, one, 'none', newEvents(2));
      const { version, position, recordedAt } = await commit(store, one, 2, [], { command });
      assert.equal(version, 2);
      const first = { ...command, version: 2, count: 0, position, recordedAt };
      assert.deepEqual(await append(store, one, 2, [], { command }), { kind: 'duplicate', first });
      const accepted = newCommand({ id: command.id });
      assert.deepEqual(await append(store, one, 2, newEvents(1), { command: accepted }), { kind: 'duplicate', first });
    },
  },
  {
    name: 'a refusal on a stream without events is recorded, and the stream still has none',
    async run({ store, stream }) {
      const one = stream();
      const command = newCommand({ refused: { code: 'NOT_FOUND', because: 'No such account.' } });
      await commit(store, one, 'none', [], { command });
      assert.deepEqual(await store.events.streamHead(one), { version: 0 });
      assert.equal((await append(store, one, 'none', [], { command })).kind, 'duplicate');
      await commit(store, one, 'none');
    },
  },
  {
    name: 'the same command id in another stream, or in one of another type, is another command',
    async run({ store, stream }) {
      const one = stream();
      const command = newCommand();
      for (const each of [one, stream(), { type: 'Other', id: one.id }]) {
        await commit(store, each, 'none', [newEvent()], { command });
      }
    },
  },
  {
    name: 'the command id is judged before the version, and the version before the claims',
    async run({ store, stream, name }) {
      const [one, other] = [stream(), stream()];
      const claim = name('claim');
      const command = newCommand();
      await commit(store, other, 'none', [newEvent()], { take: [claim] });
      await commit(store, one, 'none', [newEvent()], { command });
      const more = { command, take: [claim] };
      assert.equal((await append(store, one, 'none', [newEvent()], more)).kind, 'duplicate');
      assert.equal((await append(store, one, 'none', [newEvent()], { take: [claim] })).kind, 'conflict');
      assert.equal((await append(store, one, 1, [newEvent()], { take: [claim] })).kind, 'claimed');
    },
  },
  {
    name: 'a conflict or a missed claim does not record the command id',
    async run({ store, stream, name }) {
      const [one, other] = [stream(), stream()];
      const claim = name('claim');
      const command = newCommand();
      await commit(store, other, 'none', [newEvent()], { take: [claim] });
      assert.equal((await append(store, one, 5, [newEvent()], { command })).kind, 'conflict');
      assert.equal((await append(store, one, 'none', [newEvent()], { command, take: [claim] })).kind, 'claimed');
      await commit(store, one, 'none', [newEvent()], { command });
    },
  },
  {
    name: 'of 20 concurrent appends with one command id, over two instances, one is stored and the others are its duplicates',
    async run({ store, second, stream }) {
      const stores = [store, await second()];
      const one = stream();
      const command = newCommand();
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, at) => append(stores[at % 2] ?? store, one, 'any', newEvents(2), { command })),
      );
      const committed = outcomes.filter(({ kind }) => kind === 'committed');
      assert.equal(committed.length, 1);
      for (const outcome of outcomes) {
        if (outcome.kind === 'committed') continue;
        assert.equal(outcome.kind, 'duplicate');
        assert.deepEqual(outcome.kind === 'duplicate' && [outcome.first.version, outcome.first.count], [2, 2]);
      }
      assert.equal((await store.events.streamHead(one)).version, 2);
    },
  },
  {
    name: 'a command id is known to another instance',
    needs: ['shared'],
    async run({ store, second, stream }) {
      const other = await second();
      const one = stream();
      const command = newCommand();
      await commit(store, one, 'none', [newEvent()], { command });
      assert.equal((await append(other, one, 1, [newEvent()], { command })).kind, 'duplicate');
    },
  },
  {
    name: 'a command id is known after reopening, so a crash between append and reply is noticed',
    needs: ['durable'],
    alone: true,
    async run({ store, reopen, stream }) {
      const one = stream();
      const accepted = newCommand();
      const refused = newCommand({ refused: { code: 'NO', because: 'No.' } });
      await commit(store, one, 'none', [newEvent()], { command: accepted });
      await commit(store, one, 1, [], { command: refused });
      const again = await reopen();
      assert.equal((await append(again, one, 1, [newEvent()], { command: accepted })).kind, 'duplicate');
      const outcome = await append(again, one, 1, [newEvent()], { command: refused });
      assert.deepEqual(outcome.kind === 'duplicate' && outcome.first.refused, refused.refused);
    },
  },
  {
    name: 'the same batch again, to the byte, gives the same outcomes as duplicates and stores nothing twice',
    async run({ store, second, stream, name }) {
      const [one, other] = [stream(), stream()];
      const entry = { stream: one, expected: 'none' as const, events: newEvents(2), command: newCommand() };
      const batch = [
        { ...entry, take: [name('claim')] },
        { stream: other, expected: 'none' as const, events: newEvents(1), command: newCommand() },
        { stream: one, expected: 2, events: newEvents(3), command: newCommand() },
        {
          stream: other,
          expected: 1,
          events: [],
          command: newCommand({ refused: { code: 'NO', because: 'No.' } }),
        },
      ];
      const first = await store.events.append(batch);
      assert.deepEqual(kinds(first), ['committed', 'committed', 'committed', 'committed']);
      for (const each of [store, await second()]) {
        const again = await each.events.append(batch);
        assert.deepEqual(
          again.map((outcome) => outcome.kind === 'duplicate' && [outcome.first.version, outcome.first.position]),
          first.map((outcome) => outcome.kind === 'committed' && [outcome.version, outcome.position]),
        );
      }
      assert.equal((await collect(store.events.readStream(one))).length, 5);
      assert.equal((await collect(store.events.readStream(other))).length, 1);
    },
  },
  {
    name: 'odd command ids are told apart',
    async run({ store, stream }) {
      const one = stream();
      const ids = ['a', 'A', 'a ', "a'", 'a"', 'a:b', 'a*', 'á', '🦉', '__proto__', 'constructor', 'x'.repeat(512)];
      for (const id of ids) {
        await commit(store, one, 'any', [newEvent()], { command: newCommand({ id: id as CommandId }) });
      }
      for (const [at, id] of ids.entries()) {
        const outcome = await append(store, one, 'any', [newEvent()], { command: newCommand({ id: id as CommandId }) });
        assert.equal(outcome.kind === 'duplicate' && outcome.first.version, at + 1, id);
      }
    },
  },
  {
    name: 'command ids recorded before a time are forgotten, no others, and their events stay',
    alone: true,
    needs: ['clocked'],
    async run({ store, stream, wall }) {
      const one = stream();
      const [old, oldRefusal, young] = [
        newCommand(),
        newCommand({ refused: { code: 'NO', because: 'No.' } }),
        newCommand(),
      ];
      await commit(store, one, 'none', [newEvent()], { command: old });
      await commit(store, one, 1, [], { command: oldRefusal });
      wall.offsetMs = 60_000;
      const { recordedAt } = await commit(store, one, 1, [newEvent()], { command: young });
      assert.equal(await store.events.forgetCommandIds(recordedAt), 2);
      assert.equal(await store.events.forgetCommandIds(recordedAt), 0);
      assert.equal((await append(store, one, 2, [newEvent()], { command: young })).kind, 'duplicate');
      assert.equal((await commit(store, one, 2, [newEvent()], { command: old })).version, 3);
      assert.equal((await append(store, one, 3, [newEvent()], { command: old })).kind, 'duplicate');
      assert.equal((await store.events.streamHead(one)).version, 3);
    },
  },
];
