import assert from 'node:assert/strict';
import { memoryStore } from '../../adapters/stores/memory/memory.ts';
import { systemClock } from '../../kernel/clock.ts';
import { append, collect, commit, newCommand, newEvent, newEvents, oddTexts } from '../store-fixtures.ts';
import type { StoreCase } from '../store-subject.ts';
import { fillLog, place } from './filled-log.ts';
import { assertSameLog, moveLog, partsOf, recordsOf } from './move-log.ts';

export const transferCases: readonly StoreCase[] = [
  {
    name: 'an empty log has no records',
    alone: true,
    async run({ store }) {
      assert.deepEqual(await collect(store.transfer.records()), []);
      await store.transfer.restore({ events: [], records: [] });
      assert.equal(await store.events.head(), 0);
    },
  },
  {
    name: 'gives its log to another store: events, commands, claims, cursors and checkpoints as they are',
    alone: true,
    async run({ store }) {
      const { cursors } = await fillLog(store);
      const other = memoryStore();
      await moveLog(store, other);
      await assertSameLog(other, store);
      const counts = Object.values(await recordsOf(store)).map(({ length }) => length);
      const streams = 20 + oddTexts.length;
      assert.deepEqual(counts, [streams * 3 + 1, streams + 1, cursors.length, 2]);
    },
  },
  {
    name: 'takes the log of another store, and answers as that one did',
    alone: true,
    async run({ store, second }) {
      const other = memoryStore();
      const { cursors } = await fillLog(other);
      await moveLog(other, store);
      await assertSameLog(store, other);
      const there = await second();
      await assertSameLog(there, other);
      for (const filter of [{ types: ['Opened'] }, { pattern: 'Account.Happened' }, { after: 20, limit: 5 }]) {
        assert.deepEqual(await collect(there.events.readAll(filter)), await collect(other.events.readAll(filter)));
      }
      for (const cursor of cursors) {
        assert.deepEqual(await there.cursors.load(cursor.subscription, [cursor.stream]), [cursor]);
      }
      assert.deepEqual(await there.cursors.findParked('letter-1'), cursors[2]);
      assert.deepEqual(await there.cursors.parked({ limit: 9 }), [cursors[2]]);
      assert.deepEqual(await there.cursors.countParked(), new Map([['mails', 1]]));
      assert.deepEqual(await there.cursors.redriving('mails', 9), [cursors[1]]);
      assert.deepEqual(await there.checkpoints.load('relay'), await other.checkpoints.load('relay'));
      assert.deepEqual(await there.checkpoints.load('low-water:mails'), { position: 0 });
    },
  },
  {
    name: 'takes archived events as they were before, and archives what it took',
    alone: true,
    async run({ store }) {
      const other = memoryStore();
      await fillLog(other);
      await moveLog(other, store);
      const stream = { type: 'Account', id: 'account-3' };
      assert.equal(await store.events.archive(stream, await store.events.streamHead(stream)), true);
      await assertSameLog(store, other);
    },
  },
  {
    name: 'records beside their events, before them or after them are all the same',
    alone: true,
    async run({ store }) {
      const other = memoryStore();
      await fillLog(other);
      const parts = await partsOf(other, 30);
      for (const { records } of parts) await store.transfer.restore({ events: [], records });
      for (const { events } of parts) await store.transfer.restore({ events, records: [] });
      await assertSameLog(store, other);
    },
  },
  {
    name: 'the same part again changes nothing, nor do parts that overlap, nor two senders at once',
    alone: true,
    async run({ store, second }) {
      const other = memoryStore();
      await fillLog(other);
      const there = await second();
      for (const part of await partsOf(other, 40)) {
        await Promise.all([store.transfer.restore(part), there.transfer.restore(part)]);
        await store.transfer.restore(part);
      }
      for (const part of await partsOf(other, 31)) await store.transfer.restore(part);
      await assertSameLog(store, other);
    },
  },
  {
    name: 'a part that was taken half is completed: the events that are missing, and the records',
    alone: true,
    async run({ store }) {
      const other = memoryStore();
      await fillLog(other);
      const [part] = await partsOf(other, 500);
      assert.ok(part);
      await store.transfer.restore({ events: part.events.slice(0, 33), records: part.records.slice(0, 44) });
      await store.transfer.restore(part);
      await assertSameLog(store, other);
    },
  },
  {
    name: 'what was restored is carried on: positions, versions, times, claims and command ids',
    alone: true,
    async run({ store, stream }) {
      // Written by a machine whose clock is ahead.
      const ahead = memoryStore({ clock: { ...systemClock, now: () => systemClock.now() + 3_600_000 } });
      const [one, other] = [stream(), stream()];
      const command = newCommand();
      const first = await commit(ahead, one, 'none', newEvents(2), { command, take: ['email:a'] });
      await moveLog(ahead, store);
      const again = await append(store, one, 2, newEvents(1), { command });
      assert.deepEqual(again, {
        kind: 'duplicate',
        first: { ...command, version: 2, count: 2, position: 2, recordedAt: first.recordedAt },
      });
      assert.deepEqual(await append(store, one, 'none'), { kind: 'conflict', actual: 2 });
      assert.deepEqual(await append(store, other, 'none', newEvents(1), { take: ['email:a'] }), {
        kind: 'claimed',
        claim: 'email:a',
        by: one,
      });
      const next = await commit(store, one, 2, newEvents(1), { release: ['email:a'] });
      assert.deepEqual([next.version, next.position], [3, 3]);
      assert.ok(next.recordedAt >= first.recordedAt);
      await commit(store, other, 'none', newEvents(1), { take: ['email:a'] });
    },
  },
  {
    name: 'restored command ids are forgotten when their time has come, no others',
    alone: true,
    async run({ store, stream }) {
      const wall = { ms: Date.parse('2026-01-01T00:00:00.000Z') };
      const other = memoryStore({ clock: { ...systemClock, now: () => wall.ms } });
      for (let day = 0; day < 10; day += 1) {
        for (let count = 0; count < 3; count += 1) {
          await commit(other, stream(), 'none', newEvents(1), { command: newCommand() });
        }
        wall.ms += 86_400_000;
      }
      await moveLog(other, store, 7);
      assert.equal(await store.events.forgetCommandIds('2026-01-05T00:00:00.000Z'), 12);
      assert.equal((await recordsOf(store)).commands?.length, 18);
    },
  },
  {
    name: 'a cursor or checkpoint that is there stays as it is',
    alone: true,
    async run({ store }) {
      const other = memoryStore();
      await fillLog(other);
      const fence = {
        lease: 'relay',
        token: (await store.leases.take('relay', 'b', { token: 0, beat: 0 })).record.token,
      };
      await store.checkpoints.save('relay', { position: 99 }, fence);
      const ahead = await place(store, 'mails', 'account-4', 7, { kind: 'live' });
      await moveLog(other, store);
      assert.deepEqual(await store.checkpoints.load('relay'), { position: 99 });
      assert.deepEqual(await store.cursors.load('mails', [ahead.stream]), [ahead]);
      assert.deepEqual(await store.cursors.parked({ limit: 9 }), []);
    },
  },
  {
    name: 'records are given once each while commands are recorded, and old ones forgotten',
    needs: ['clocked'],
    large: true,
    alone: true,
    async run({ store, second, stream, wall }) {
      const writer = await second();
      const commands = Array.from({ length: 2400 }, () => newCommand());
      const entries = commands.map((command) => ({ stream: stream(), expected: 'none', events: [], command }) as const);
      const [old, kept] = [entries.slice(0, 1200), entries.slice(1200)];
      for (const [days, some] of [
        [-3, old],
        [-1, kept],
      ] as const) {
        wall.offsetMs = days * 86_400_000;
        for (let at = 0; at < some.length; at += 400) await store.events.append(some.slice(at, at + 400));
      }
      const before = new Date(systemClock.now() - 2 * 86_400_000).toISOString();
      const found = new Map<string, number>();
      for await (const record of store.transfer.records()) {
        if (record.kind !== 'command') continue;
        found.set(record.record.id, (found.get(record.record.id) ?? 0) + 1);
        if (found.size === 1000) await writer.events.forgetCommandIds(before);
        if (found.size % 300 === 0) await commit(writer, stream(), 'none', [newEvent()], { command: newCommand() });
      }
      assert.deepEqual(
        kept.map(({ command }) => found.get(command.id)),
        kept.map(() => 1),
      );
      assert.ok(found.values().every((times) => times === 1));
    },
  },
  {
    name: 'a restored log is there after reopening',
    needs: ['durable'],
    alone: true,
    async run({ store, reopen }) {
      const other = memoryStore();
      await fillLog(other);
      await moveLog(other, store);
      await assertSameLog(await reopen(), other);
    },
  },
];
