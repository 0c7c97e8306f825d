import assert from 'node:assert/strict';
import type { AppendEntry } from '../../ports/event-store.ts';
import { collect, commit, kinds, newCommand, newEvent, newEvents } from '../store-fixtures.ts';
import type { StoreCase } from '../store-subject.ts';

export const batchCases: readonly StoreCase[] = [
  {
    name: 'entries for different streams commit together, on neighbouring positions and at one time',
    async run({ store, stream }) {
      const streams = Array.from({ length: 100 }, () => stream());
      const outcomes = await store.events.append(
        streams.map((one): AppendEntry => ({ stream: one, expected: 'none', events: newEvents(2) })),
      );
      const committed = outcomes.filter((outcome) => outcome.kind === 'committed');
      assert.equal(committed.length, 100);
      const first = committed[0];
      for (const [at, { version, position, recordedAt }] of committed.entries()) {
        assert.deepEqual([version, position, recordedAt], [2, (first?.position ?? 0) + at * 2, first?.recordedAt]);
      }
      for (const one of streams) assert.equal((await store.events.streamHead(one)).version, 2);
    },
  },
  {
    name: 'a thousand entries of one event are one append',
    async run({ store, stream }) {
      const one = stream();
      const outcomes = await store.events.append(
        newEvents(1000).map((event, version): AppendEntry => ({ stream: one, expected: version, events: [event] })),
      );
      assert.ok(outcomes.every(({ kind }) => kind === 'committed'));
      assert.equal((await store.events.streamHead(one)).version, 1000);
    },
  },
  {
    name: "one entry's conflict does not hurt the others",
    async run({ store, stream }) {
      const [one, other, third] = [stream(), stream(), stream()];
      const outcomes = await store.events.append([
        { stream: one, expected: 'none', events: newEvents(1) },
        { stream: other, expected: 5, events: newEvents(1) },
        { stream: third, expected: 'any', events: newEvents(1) },
      ]);
      assert.deepEqual(kinds(outcomes), ['committed', 'conflict', 'committed']);
      assert.deepEqual(outcomes[1], { kind: 'conflict', actual: 0 });
      const versions = [one, other, third].map(async (each) => (await store.events.streamHead(each)).version);
      assert.deepEqual(await Promise.all(versions), [1, 0, 1]);
    },
  },
  {
    name: 'chained versions of one stream in one batch are in order',
    async run({ store, stream }) {
      const one = stream();
      const [a, b, c] = [newEvents(2), newEvents(3), newEvents(1)];
      const outcomes = await store.events.append([
        { stream: one, expected: 'none', events: a },
        { stream: one, expected: { version: 2, eventId: a[1]?.id ?? newEvent().id }, events: b },
        { stream: one, expected: 5, events: c },
        { stream: one, expected: 'exists', events: [] },
      ]);
      assert.deepEqual(
        outcomes.map((outcome) => outcome.kind === 'committed' && outcome.version),
        [2, 5, 6, 6],
      );
      const read = await collect(store.events.readStream(one));
      assert.deepEqual(
        read.map(({ id }) => id),
        [...a, ...b, ...c].map(({ id }) => id),
      );
    },
  },
  {
    name: 'entries chained to one that conflicts conflict too, and are told the version that holds for them',
    async run({ store, stream }) {
      const one = stream();
      await commit(store, one, 'none');
      const outcomes = await store.events.append([
        { stream: one, expected: 'none', events: newEvents(2) },
        { stream: one, expected: 2, events: newEvents(1) },
        { stream: one, expected: 1, events: newEvents(1) },
        { stream: one, expected: 1, events: newEvents(1) },
      ]);
      assert.deepEqual(
        outcomes.map((outcome) => (outcome.kind === 'conflict' ? outcome.actual : outcome.kind)),
        [1, 1, 'committed', 2],
      );
    },
  },
  {
    name: "entries decided on another writer's lookalike are kept out by the event id",
    async run({ store, stream }) {
      const one = stream();
      const [mine, theirs] = [newEvent(), newEvent()];
      await commit(store, one, 'none', [theirs]);
      const outcomes = await store.events.append([
        { stream: one, expected: 'none', events: [mine] },
        { stream: one, expected: { version: 1, eventId: mine.id }, events: newEvents(1) },
      ]);
      assert.deepEqual(outcomes, [
        { kind: 'conflict', actual: 1 },
        { kind: 'conflict', actual: 1 },
      ]);
    },
  },
  {
    name: 'entries are judged in order, each as if alone: a claim of an entry that failed is free for the next',
    async run({ store, stream, name }) {
      const [a, b, c] = [stream(), stream(), stream()];
      const claim = name('claim');
      const outcomes = await store.events.append([
        { stream: a, expected: 7, events: newEvents(1), take: [claim] },
        { stream: b, expected: 'none', events: newEvents(1), take: [claim] },
        { stream: c, expected: 'none', events: newEvents(1), take: [claim] },
      ]);
      assert.deepEqual(kinds(outcomes), ['conflict', 'committed', 'claimed']);
      assert.deepEqual(outcomes[2], { kind: 'claimed', claim, by: b });
      assert.deepEqual(await store.events.claimHolders([claim]), new Map([[claim, b]]));
    },
  },
  {
    name: 'a claim released by one entry can be taken by the next of the same batch, and back',
    async run({ store, stream, name }) {
      const [one, other] = [stream(), stream()];
      const claim = name('claim');
      await commit(store, one, 'none', [newEvent()], { take: [claim] });
      const outcomes = await store.events.append([
        { stream: one, expected: 1, events: newEvents(1), release: [claim] },
        { stream: other, expected: 'none', events: newEvents(1), take: [claim] },
        { stream: other, expected: 1, events: newEvents(1), release: [claim] },
        { stream: one, expected: 2, events: newEvents(1), take: [claim] },
      ]);
      assert.deepEqual(kinds(outcomes), ['committed', 'committed', 'committed', 'committed']);
      assert.deepEqual(await store.events.claimHolders([claim]), new Map([[claim, one]]));
    },
  },
  {
    name: 'a claim taken before it is released in one batch is refused',
    async run({ store, stream, name }) {
      const [one, other] = [stream(), stream()];
      const claim = name('claim');
      await commit(store, one, 'none', [newEvent()], { take: [claim] });
      const outcomes = await store.events.append([
        { stream: other, expected: 'none', events: newEvents(1), take: [claim] },
        { stream: one, expected: 1, events: newEvents(1), release: [claim] },
      ]);
      assert.deepEqual(kinds(outcomes), ['claimed', 'committed']);
      assert.equal((await store.events.claimHolders([claim])).size, 0);
    },
  },
  {
    name: 'one command id in two entries of one batch: the second is a duplicate of the first',
    async run({ store, stream }) {
      const one = stream();
      const command = newCommand();
      const [first, again] = await store.events.append([
        { stream: one, expected: 'none', events: newEvents(2), command },
        { stream: one, expected: 2, events: newEvents(1), command },
      ]);
      assert.ok(first?.kind === 'committed' && again?.kind === 'duplicate');
      const { version, position, recordedAt } = first;
      assert.deepEqual(again.first, { ...command, version, position, recordedAt, count: 2 });
      assert.equal((await store.events.streamHead(one)).version, 2);
    },
  },
  {
    name: 'a command id of an entry that failed is free for the next entry of the batch',
    async run({ store, stream }) {
      const one = stream();
      const command = newCommand();
      const outcomes = await store.events.append([
        { stream: one, expected: 3, events: newEvents(1), command },
        { stream: one, expected: 'none', events: newEvents(1), command },
      ]);
      assert.deepEqual(kinds(outcomes), ['conflict', 'committed']);
    },
  },
  {
    name: 'a duplicate, a conflict and a missed claim in one batch spoil none of the others',
    async run({ store, stream, name }) {
      const [one, other] = [stream(), stream()];
      const command = newCommand();
      const claim = name('claim');
      await commit(store, one, 'none', [newEvent()], { command, take: [claim] });
      const good = () => ({ stream: stream(), expected: 'none' as const, events: newEvents(1), command: newCommand() });
      const before = await store.events.head();
      const outcomes = await store.events.append([
        good(),
        { stream: one, expected: 1, events: newEvents(5), command },
        good(),
        { stream: other, expected: 9, events: newEvents(5), command: newCommand() },
        good(),
        { stream: other, expected: 'none', events: newEvents(5), command: newCommand(), take: [claim] },
        good(),
      ]);
      assert.deepEqual(kinds(outcomes), [
        'committed',
        'duplicate',
        'committed',
        'conflict',
        'committed',
        'claimed',
        'committed',
      ]);
      const positions = outcomes.flatMap((outcome) => (outcome.kind === 'committed' ? [outcome.position] : []));
      const first = positions[0] ?? 0;
      assert.ok(first > before);
      assert.deepEqual(positions, [first, first + 1, first + 2, first + 3]);
    },
  },
  {
    name: 'an entry without events is told the position of what was committed before it in the batch',
    async run({ store, stream }) {
      const one = stream();
      const outcomes = await store.events.append([
        { stream: one, expected: 'none', events: newEvents(3) },
        { stream: one, expected: 3, events: [], command: newCommand({ refused: { code: 'NO', because: 'No.' } }) },
        { stream: one, expected: 3, events: newEvents(1) },
      ]);
      const positions = outcomes.map((outcome) => (outcome.kind === 'committed' ? outcome.position : 0));
      assert.deepEqual(positions, [positions[0], positions[0], (positions[0] ?? 0) + 1]);
    },
  },
  {
    name: 'two instances appending batches over the same streams agree on every outcome',
    async run({ store, second, stream }) {
      const stores = [store, await second()];
      const streams = Array.from({ length: 5 }, () => stream());
      const rounds = Array.from({ length: 40 }, async (_, round) => {
        const from = stores[round % 2] ?? store;
        const entries = streams.map((one): AppendEntry => ({ stream: one, expected: 'any', events: newEvents(2) }));
        return from.events.append(round % 3 === 0 ? entries.toReversed() : entries);
      });
      const outcomes = (await Promise.all(rounds)).flat();
      assert.ok(outcomes.every(({ kind }) => kind === 'committed'));
      for (const one of streams) {
        const versions = (await collect(store.events.readStream(one))).map(({ version }) => version);
        assert.deepEqual(
          versions,
          Array.from({ length: 80 }, (_, at) => at + 1),
        );
      }
    },
  },
  {
    name: 'a batch that cannot be stored whole stores none of it: events, command ids, claims',
    async run({ store, stream, name }) {
      const one = stream();
      const claim = name('claim');
      const good: AppendEntry = {
        stream: one,
        expected: 'none',
        events: newEvents(1),
        command: newCommand(),
        take: [claim],
      };
      const bad: readonly AppendEntry[] = [
        { stream: { type: 'Account', id: '' }, expected: 'any', events: newEvents(1) },
        { stream: stream(), expected: 'any', events: [newEvent(), newEvent('Broken', { toJSON: broken })] },
      ];
      for (const each of bad) await assert.rejects(store.events.append([good, each]));
      assert.deepEqual(await store.events.streamHead(one), { version: 0 });
      assert.equal((await store.events.claimHolders([claim])).size, 0);
      assert.deepEqual(kinds(await store.events.append([good])), ['committed']);
    },
  },
];

function broken(): never {
  throw new Error('cannot be written as JSON');
}
