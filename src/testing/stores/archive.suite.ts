import assert from 'node:assert/strict';
import type { RecordedEvent, StreamId } from '../../kernel/message.ts';
import type { LogFilter, StreamRange } from '../../ports/event-store.ts';
import type { Store } from '../../ports/store.ts';
import { append, collect, commit, newCommand, newEvent, newEvents } from '../store-fixtures.ts';
import type { StoreCase } from '../store-subject.ts';

/** What JSON, UTF-8 or lines of text may have trouble with. */
const oddData = [
  null,
  0,
  'a\nb\r\u2028c',
  { deep: [{ 'ключ "1"': [] }] },
  '🦉'.repeat(1000),
  { big: 'x'.repeat(300_000) },
];

async function archive(store: Store, stream: StreamId): Promise<boolean> {
  return store.events.archive(stream, await store.events.streamHead(stream));
}

const readStream = (store: Store, stream: StreamId, range?: StreamRange) =>
  collect(store.events.readStream(stream, range));

/** Every way to read these events. */
async function readings(store: Store, events: readonly RecordedEvent[]): Promise<readonly unknown[]> {
  const [first, last] = [events.at(0), events.at(-1)];
  assert.ok(first && last);
  const { stream, position } = first;
  const own = async (filter: LogFilter) => {
    const found = await collect(store.events.readAll({ after: position - 1, to: last.position, ...filter }));
    return found.filter((event) => event.stream.id === stream.id);
  };
  return [
    await readStream(store, stream),
    await readStream(store, stream, { from: 2, to: 5 }),
    await readStream(store, stream, { from: 2, limit: 2 }),
    await readStream(store, stream, { backwards: true }),
    await readStream(store, stream, { backwards: true, limit: 1 }),
    await readStream(store, stream, { backwards: true, from: 2, to: 4, limit: 2 }),
    await own({}),
    await own({ after: position }),
    await own({ to: position }),
    await own({ limit: 1 }),
    await own({ types: ['Opened'] }),
    await own({ types: ['Opened', 'Closed'] }),
    await own({ pattern: `${stream.type}.*` }),
    await own({ pattern: '*.Closed' }),
    await own({ correlationId: first.meta.correlationId }),
    await own({ correlationId: last.meta.correlationId, types: ['Closed'] }),
    await store.events.streamHead(stream),
  ];
}

/** A stream of eight events of several types and causes, with events of others between them. */
async function lived(store: Store, stream: StreamId, other: StreamId): Promise<readonly RecordedEvent[]> {
  const meta = { correlationId: newEvent().id, userId: 'ada' };
  await commit(store, stream, 'none', [newEvent('Opened', { by: 'Ada' }, meta)]);
  await commit(store, other, 'none', newEvents(2));
  await commit(
    store,
    stream,
    1,
    oddData.map((data) => newEvent('Happened', data, { schema: 3 })),
  );
  await commit(store, other, 2, newEvents(1, 'Closed'));
  await commit(store, stream, 7, [newEvent('Closed', {}, meta)]);
  return readStream(store, stream);
}

export const archiveCases: readonly StoreCase[] = [
  {
    name: 'an archived stream is read as before: by version, position, type, pattern, correlation id, backwards',
    async run({ store, second, stream }) {
      const events = await lived(store, stream(), stream());
      const before = await readings(store, events);
      assert.equal(events.length, 8);
      assert.equal(await archive(store, streamOf(events)), true);
      assert.deepEqual(await readings(store, events), before);
      assert.deepEqual(await readings(await second(), events), before);
    },
  },
  {
    name: 'nothing is archived when the stream is not where it was expected, and nothing of a stream without events',
    async run({ store, stream }) {
      const [one, unknown] = [stream(), stream()];
      const { version } = await commit(store, one, 'none', newEvents(3));
      const head = await store.events.streamHead(one);
      await commit(store, one, version);
      const events = await readStream(store, one);
      assert.equal(await store.events.archive(one, head), false);
      assert.equal(await store.events.archive(one, { version: 4, eventId: newEvent().id }), false);
      assert.equal(await store.events.archive(one, { version: 5, eventId: newEvent().id }), false);
      assert.equal(await store.events.archive(one, { version: 0 }), false);
      assert.equal(await store.events.archive(unknown, { version: 0 }), false);
      assert.deepEqual(await readStream(store, one), events);
      assert.deepEqual(await store.events.streamHead(unknown), { version: 0 });
      await commit(store, unknown, 'none');
    },
  },
  {
    name: 'archiving again changes nothing, and neither do two at once',
    async run({ store, second, stream }) {
      const other = await second();
      const events = await lived(store, stream(), stream());
      const one = streamOf(events);
      const many = [store, other, store, other].map((each) => archive(each, one));
      assert.deepEqual(await Promise.all(many), [true, true, true, true]);
      assert.equal(await archive(other, one), true);
      assert.deepEqual(await readStream(store, one), events);
    },
  },
  {
    name: 'the id of an archived stream is not free: its versions go on, and what comes then is archived as well',
    async run({ store, stream }) {
      const events = await lived(store, stream(), stream());
      const one = streamOf(events);
      await archive(store, one);
      assert.deepEqual(await append(store, one, 'none'), { kind: 'conflict', actual: 8 });
      assert.deepEqual(await append(store, one, 0), { kind: 'conflict', actual: 8 });
      const added = newEvents(3);
      assert.equal((await commit(store, one, 'exists', added)).version, 11);
      const longer = await readStream(store, one);
      assert.deepEqual(longer.slice(0, 8), events);
      assert.deepEqual(
        longer.slice(8).map(({ version, data }) => [version, data]),
        added.map(({ data }, at) => [9 + at, data]),
      );
      assert.equal(await archive(store, one), true);
      assert.deepEqual(await readStream(store, one), longer);
      assert.deepEqual(await readStream(store, one, { backwards: true }), longer.toReversed());
    },
  },
  {
    name: 'snapshots, claims and command ids of an archived stream stay',
    async run({ store, stream, name }) {
      const [one, claim, command] = [stream(), name('email'), newCommand()];
      await commit(store, one, 'none', newEvents(4), { command, take: [claim] });
      const { version, eventId } = await store.events.streamHead(one);
      assert.ok(eventId);
      const snapshot = { stream: one, machineHash: 'hash', version, eventId, state: { closed: true } };
      await store.snapshots.save([snapshot]);
      await archive(store, one);
      assert.deepEqual(await store.snapshots.load(one, 'hash'), snapshot);
      assert.deepEqual(await store.events.claimHolders([claim]), new Map([[claim, one]]));
      assert.equal((await append(store, one, 'exists', newEvents(1), { command })).kind, 'duplicate');
    },
  },
  {
    name: 'a long stream is archived whole, and read from any place in it',
    async run({ store, stream }) {
      const one = stream();
      for (let version = 0; version < 2500; version += 500) await commit(store, one, version, newEvents(500));
      const events = await readStream(store, one);
      assert.equal(await archive(store, one), true);
      assert.deepEqual(await readStream(store, one), events);
      for (const from of [1, 2, 999, 1000, 1001, 1999, 2000, 2001, 2500]) {
        const here = events.slice(from - 1, from + 2);
        assert.deepEqual(await readStream(store, one, { from, limit: 3 }), here);
        assert.deepEqual(await readStream(store, one, { from, to: from + 2, backwards: true }), here.toReversed());
      }
    },
  },
  {
    name: 'each reader of archived events gets its own',
    async run({ store, stream }) {
      const one = stream();
      await commit(store, one, 'none', [newEvent('Opened', { list: [1] })]);
      await archive(store, one);
      const [first] = await readStream(store, one);
      assert.ok(first);
      (first.data as { list: number[] }).list.push(2);
      assert.deepEqual((await readStream(store, one))[0]?.data, { list: [1] });
    },
  },
  {
    name: 'readers see no difference while streams are archived, one after another',
    async run({ store, second, stream }) {
      const other = await second();
      const streams = Array.from({ length: 20 }, () => stream());
      for (let round = 0; round < 5; round += 1) {
        for (const one of streams) await commit(store, one, 'any', newEvents(2));
      }
      const logs = await Promise.all(streams.map((one) => readStream(store, one)));
      const all = logs.flat().toSorted((a, b) => a.position - b.position);
      const archiving = (async () => {
        for (const one of streams) assert.equal(await archive(store, one), true);
      })();
      for (let round = 0; round < 5; round += 1) {
        for (const [at, one] of streams.entries()) assert.deepEqual(await readStream(other, one), logs[at]);
        const log = await collect(other.events.readAll({ after: (all[0]?.position ?? 1) - 1 }));
        const ids = new Set(all.map(({ id }) => id));
        assert.deepEqual(
          log.filter(({ id }) => ids.has(id)),
          all,
        );
      }
      await archiving;
    },
  },
  {
    name: 'a stream that is appended to while it is archived loses nothing',
    async run({ store, second, stream }) {
      const other = await second();
      const one = stream();
      await commit(store, one, 'none', newEvents(3));
      for (let round = 0; round < 20; round += 1) {
        const [outcome] = await Promise.all([append(other, one, 'exists'), archive(store, one)]);
        assert.equal(outcome.kind, 'committed');
      }
      const events = await readStream(store, one);
      assert.deepEqual(
        events.map(({ version, data }) => [version, typeof data]),
        events.map((_, at) => [at + 1, 'object']),
      );
      assert.equal(events.length, 23);
    },
  },
  {
    name: 'archived events are there after reopening',
    needs: ['durable'],
    alone: true,
    async run({ store, reopen, stream }) {
      const events = await lived(store, stream(), stream());
      const before = await readings(store, events);
      await archive(store, streamOf(events));
      const again = await reopen();
      assert.deepEqual(await readings(again, events), before);
      assert.equal(await archive(again, streamOf(events)), true);
    },
  },
];

function streamOf([event]: readonly RecordedEvent[]): StreamId {
  assert.ok(event);
  return event.stream;
}
