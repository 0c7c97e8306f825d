import assert from 'node:assert/strict';
import type { EventId } from '../../kernel/message.ts';
import { append, collect, commit, kinds, newEvent, newEvents } from '../store-fixtures.ts';
import type { StoreCase } from '../store-subject.ts';

export const appendCases: readonly StoreCase[] = [
  {
    name: 'the first events of a stream take the versions from 1, and are read as they were appended',
    async run({ store, stream }) {
      const one = stream();
      const events = [newEvent('Opened', { by: 'Ada' }), newEvent('Paid', { amount: 12 })];
      const outcome = await commit(store, one, 'none', events);
      assert.equal(outcome.version, 2);
      const read = await collect(store.events.readStream(one));
      assert.deepEqual(
        read.map(({ position, recordedAt, ...event }) => event),
        events.map((event, at) => ({ ...event, stream: one, version: at + 1 })),
      );
      for (const { recordedAt } of read) assert.equal(recordedAt, outcome.recordedAt);
      assert.deepEqual(
        read.map(({ position }) => position),
        [outcome.position - 1, outcome.position],
      );
    },
  },
  {
    name: 'versions are contiguous over many appends',
    async run({ store, stream }) {
      const one = stream();
      for (let version = 0; version < 30; version += 3) {
        assert.equal((await commit(store, one, version, newEvents(3))).version, version + 3);
      }
      const read = await collect(store.events.readStream(one));
      assert.deepEqual(
        read.map(({ version }) => version),
        Array.from({ length: 30 }, (_, at) => at + 1),
      );
    },
  },
  {
    name: 'appends are done in the order of their calls, also while earlier ones are under way',
    async run({ store, stream }) {
      const [one, other] = [stream(), stream()];
      const calls = Array.from({ length: 40 }, (_, at) => [
        append(store, one, at === 0 ? 'none' : at * 3, newEvents(3)),
        append(store, other, at === 0 ? 'none' : at, newEvents(1)),
      ]);
      const outcomes = await Promise.all(calls.flat());
      assert.deepEqual(kinds(outcomes), Array(80).fill('committed'));
      assert.equal((await store.events.streamHead(one)).version, 120);
    },
  },
  {
    name: 'a thousand events of one entry are stored as one, on neighbouring positions',
    async run({ store, stream }) {
      const one = stream();
      const { position } = await commit(store, one, 'none', newEvents(1000));
      const read = await collect(store.events.readStream(one));
      assert.deepEqual(
        read.map((event) => event.position),
        Array.from({ length: 1000 }, (_, at) => position - 999 + at),
      );
    },
  },
  {
    name: 'an entry without events checks the version, and creates no stream',
    async run({ store, stream }) {
      const one = stream();
      const outcome = await commit(store, one, 'none', []);
      assert.equal(outcome.version, 0);
      assert.deepEqual(await store.events.streamHead(one), { version: 0 });
      assert.deepEqual(await append(store, one, 1, []), { kind: 'conflict', actual: 0 });
      await commit(store, one, 'none');
      assert.equal((await commit(store, one, 1, [])).version, 1);
      assert.deepEqual(await append(store, one, 'none', []), { kind: 'conflict', actual: 1 });
    },
  },
  {
    name: 'an entry without events is told the head of the log as its position',
    alone: true,
    async run({ store, stream }) {
      assert.equal((await commit(store, stream(), 'none', [])).position, 0);
      const { position } = await commit(store, stream(), 'none', newEvents(3));
      assert.equal((await commit(store, stream(), 'none', [])).position, position);
      assert.equal(await store.events.head(), position);
    },
  },
  {
    name: 'data and metadata come back equal: unicode, nested, empty, null, exact numbers, dates as text',
    async run({ store, stream }) {
      const data: readonly unknown[] = [
        null,
        {},
        [],
        '',
        0,
        false,
        { text: 'Ω 漢字 🦉 e\u0301 \u0000 \ud800 "quoted" \\ \n', '': 'empty key', 'a.b': 1, $set: { $gt: 1 } },
        { deep: { deeper: [{ deepest: [[[], {}]] }] } },
        [2 ** 53 - 1, -(2 ** 53 - 1), 2 ** 53, 0.1, 1e-7, 1.7976931348623157e308, 5e-324],
        { at: '2026-11-24T04:05:38.120Z', leapDay: '2024-02-29', offset: '2026-01-01T00:00:00+05:30' },
        JSON.parse('{"__proto__":{"polluted":true},"constructor":1,"toString":null}'),
        { z: 1, a: 2, 10: 3, 9: 4 },
      ];
      const events = data.map((value) =>
        newEvent('Said', value, { source: 'ü/ö 🦉', userId: 'Größe', schema: 7, correlationId: 'a "b" \\ c' }),
      );
      const one = stream();
      await commit(store, one, 'none', events);
      const read = await collect(store.events.readStream(one));
      assert.deepEqual(
        read.map((event) => JSON.stringify(event.data)),
        data.map((value) => JSON.stringify(value)),
      );
      for (const [at, event] of read.entries())
        assert.deepEqual([event.data, event.meta], [data[at], events[at]?.meta]);
    },
  },
  {
    name: 'an event of 1 MB comes back equal',
    async run({ store, stream }) {
      const one = stream();
      const data = { text: 'x'.repeat(500_000), wide: '漢'.repeat(170_000) };
      await commit(store, one, 'none', [newEvent('Uploaded', data)]);
      const [event] = await collect(store.events.readStream(one));
      assert.deepEqual(event?.data, data);
    },
  },
  {
    name: 'what the caller changes afterwards, or a reader changes, does not change the log',
    async run({ store, stream }) {
      const one = stream();
      const data = { list: [1, 2] };
      await commit(store, one, 'none', [newEvent('Listed', data)]);
      data.list.push(3);
      const [read] = await collect(store.events.readStream(one));
      assert.deepEqual(read?.data, { list: [1, 2] });
      attempt(() => Object.assign(read?.data ?? {}, { list: [] }));
      attempt(() => Object.assign(read?.meta ?? {}, { source: 'forged' }));
      const [again] = await collect(store.events.readStream(one));
      assert.deepEqual([again?.data, again?.meta.source], [{ list: [1, 2] }, 'conformance']);
    },
  },
  {
    name: 'the head of a stream tells its version and its last event',
    async run({ store, stream }) {
      const one = stream();
      assert.deepEqual(await store.events.streamHead(one), { version: 0 });
      const events = newEvents(3);
      await commit(store, one, 'none', events);
      const eventId = events[2]?.id as EventId;
      assert.deepEqual(await store.events.streamHead(one), { version: 3, eventId });
      await append(store, one, 'none');
      assert.deepEqual(await store.events.streamHead(one), { version: 3, eventId });
    },
  },
  {
    name: 'heads that are asked for at once are each the right one, odd and unusable ids among them',
    async run({ store, stream }) {
      const one = stream();
      const ids = [one.id, 'a\u0000b', '\ud800', '', 'NULL', '{"}\\,', 'x'.repeat(10_000)];
      const { version } = await commit(store, one, 'none', newEvents(2));
      const heads = await Promise.all(ids.map((id) => store.events.streamHead({ type: one.type, id })));
      assert.deepEqual(
        heads.map((head) => head.version),
        [version, 0, 0, 0, 0, 0, 0],
      );
    },
  },
  {
    name: 'recordedAt never decreases with position, also when the clock steps back',
    alone: true,
    needs: ['clocked'],
    async run({ store, second, stream, wall }) {
      const other = await second();
      const steps = [0, 3_600_000, 0, -3_600_000, 7_200_000, 1, -86_400_000];
      for (const [at, step] of steps.entries()) {
        wall.offsetMs = step;
        await commit(at % 2 === 0 ? store : other, stream(), 'none', newEvents(2));
      }
      const times = (await collect(store.events.readAll())).map(({ recordedAt }) => recordedAt);
      assert.equal(times.length, steps.length * 2);
      assert.deepEqual(times, times.toSorted());
    },
  },
  {
    name: "recordedAt is the store's time, in UTC with milliseconds",
    async run({ store, stream }) {
      const { recordedAt } = await commit(store, stream(), 'none');
      assert.match(recordedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      assert.ok(Math.abs(Date.parse(recordedAt) - Date.now()) < 300_000, recordedAt);
    },
  },
  {
    name: 'versions stay right past 100,000',
    large: true,
    async run({ store, stream }) {
      const one = stream();
      for (let version = 0; version < 101_000; version += 1000) await commit(store, one, version, newEvents(1000));
      assert.deepEqual(await append(store, one, 99_999), { kind: 'conflict', actual: 101_000 });
      assert.equal((await commit(store, one, 101_000)).version, 101_001);
      const read = await collect(store.events.readStream(one, { from: 99_999, to: 100_002 }));
      assert.deepEqual(
        read.map(({ version }) => version),
        [99_999, 100_000, 100_001, 100_002],
      );
      const [last] = await collect(store.events.readStream(one, { backwards: true, limit: 1 }));
      assert.equal(last?.version, 101_001);
    },
  },
];

function attempt(change: () => unknown): void {
  try {
    change();
  } catch {
    // A frozen object refuses the change: as good as a copy.
  }
}
