import assert from 'node:assert/strict';
import type { RecordedEvent } from '../../kernel/message.ts';
import type { LogFilter } from '../../ports/event-store.ts';
import type { Store } from '../../ports/store.ts';
import { collect, commit, newCommandId, newEvent, newEvents } from '../store-fixtures.ts';
import type { StoreCase } from '../store-subject.ts';

export const readAllCases: readonly StoreCase[] = [
  {
    name: 'an empty log has no events and head 0',
    alone: true,
    async run({ store }) {
      assert.deepEqual(await collect(store.events.readAll()), []);
      assert.equal(await store.events.head(), 0);
    },
  },
  {
    name: 'the log is read by position, densely from 1, as it was appended',
    alone: true,
    async run({ store, stream }) {
      const [one, other] = [stream(), stream('Other')];
      await commit(store, one, 'none', newEvents(2));
      await commit(store, other, 'none', newEvents(1));
      await commit(store, one, 2, newEvents(2));
      const read = await collect(store.events.readAll());
      assert.deepEqual(
        read.map(({ position, stream: { type, id }, version }) => [position, type, id, version]),
        [
          [1, one.type, one.id, 1],
          [2, one.type, one.id, 2],
          [3, 'Other', other.id, 1],
          [4, one.type, one.id, 3],
          [5, one.type, one.id, 4],
        ],
      );
      assert.equal(await store.events.head(), 5);
      const ofStreams = [
        ...(await collect(store.events.readStream(one))),
        ...(await collect(store.events.readStream(other))),
      ];
      assert.deepEqual(
        read,
        ofStreams.toSorted((a, b) => a.position - b.position),
      );
    },
  },
  {
    name: 'after is exclusive, to inclusive, and limit bounds',
    alone: true,
    async run({ store, stream }) {
      await commit(store, stream(), 'none', newEvents(10));
      const cases: readonly (readonly [LogFilter, readonly number[]])[] = [
        [{ after: 7 }, [8, 9, 10]],
        [{ after: 0, limit: 2 }, [1, 2]],
        [{ after: 3, limit: 2 }, [4, 5]],
        [{ after: 3, to: 5 }, [4, 5]],
        [{ to: 2 }, [1, 2]],
        [{ after: 5, to: 5 }, []],
        [{ after: 10 }, []],
        [{ after: 99 }, []],
        [{ after: 8, to: 99 }, [9, 10]],
        [{ limit: 0 }, []],
      ];
      for (const [filter, positions] of cases) {
        const read = await collect(store.events.readAll(filter));
        assert.deepEqual(
          read.map(({ position }) => position),
          positions,
          JSON.stringify(filter),
        );
      }
    },
  },
  {
    name: 'reads by types, by pattern and by correlation id; every condition must hold',
    async run({ store, stream, name }) {
      const correlationId = name('correlation');
      const [user, order] = [stream('User'), stream('Order')];
      const ours = { correlationId };
      await store.events.append([
        { stream: user, expected: 'none', events: [newEvent('Created', 1, ours), newEvent('Renamed', 2, ours)] },
        { stream: order, expected: 'none', events: [newEvent('Created', 3, ours), newEvent('Placed', 4, ours)] },
        { stream: user, expected: 2, events: [newEvent('Renamed', 5), newEvent('Removed', 6, ours)] },
      ]);
      const cases: readonly (readonly [LogFilter, readonly number[]])[] = [
        [{}, [1, 2, 3, 4, 6]],
        [{ types: ['Created'] }, [1, 3]],
        [{ types: ['Placed', 'Removed'] }, [4, 6]],
        [{ types: ['Unknown'] }, []],
        [{ types: [] }, []],
        [{ pattern: 'User.*' }, [1, 2, 6]],
        [{ pattern: '*.Created' }, [1, 3]],
        [{ pattern: 'Order.Created' }, [3]],
        [{ pattern: '*.*' }, [1, 2, 3, 4, 6]],
        [{ pattern: 'Us%.Created' }, []],
        [{ pattern: 'User.Crea*' }, []],
        [{ pattern: 'Use_.Created' }, []],
        [{ pattern: 'user.created' }, []],
        [{ pattern: 'User.*', types: ['Created', 'Placed'] }, [1]],
        [{ pattern: '*.*', limit: 2 }, [1, 2]],
      ];
      for (const [filter, data] of cases) {
        const read = await collect(store.events.readAll({ ...filter, correlationId }));
        assert.deepEqual(
          read.map((event) => event.data),
          data,
          JSON.stringify(filter),
        );
      }
    },
  },
  {
    name: 'patterns and types hold without a correlation id as well, and with after and limit',
    alone: true,
    async run({ store, stream }) {
      for (let round = 0; round < 20; round += 1) {
        await commit(store, stream('User'), 'none', [newEvent('Created'), newEvent('Removed')]);
        await commit(store, stream('Order'), 'none', [newEvent('Created')]);
      }
      const positions = async (filter: LogFilter) =>
        (await collect(store.events.readAll(filter))).map(({ position }) => position);
      assert.equal((await positions({ pattern: 'User.*' })).length, 40);
      assert.equal((await positions({ pattern: '*.Created' })).length, 40);
      assert.deepEqual(await positions({ pattern: 'Order.Created', after: 3, limit: 2 }), [6, 9]);
      assert.deepEqual(await positions({ types: ['Removed'], after: 2, to: 8 }), [5, 8]);
    },
  },
  {
    name: 'a filter that fits few events finds them among many',
    async run({ store, stream }) {
      const correlationId = newCommandId();
      for (let round = 0; round < 5; round += 1) {
        await commit(store, stream(), 'none', newEvents(1000, 'Common'));
        await commit(store, stream(), 'none', [newEvent('Rare', round, { correlationId })]);
      }
      const read = await collect(store.events.readAll({ correlationId, types: ['Rare'] }));
      assert.deepEqual(
        read.map(({ data }) => data),
        [0, 1, 2, 3, 4],
      );
    },
  },
  {
    name: 'what an append committed is in the log when its answer comes, on every instance',
    async run({ store, second, stream }) {
      const other = await second();
      for (let round = 0; round < 20; round += 1) {
        const [from, to] = round % 2 === 0 ? [store, other] : [other, store];
        const one = stream();
        const { position } = await commit(from, one, 'none');
        assert.ok((await to.events.head()) >= position);
        const [read] = await collect(to.events.readAll({ after: position - 1, limit: 1 }));
        assert.deepEqual(read?.stream, one);
        assert.equal((await to.events.streamHead(one)).version, 1);
      }
    },
  },
  {
    name: 'a watcher is woken after an append, and not after it ended',
    async run({ store, stream }) {
      let wakes = 0;
      const woken = new Promise<void>((resolve) => {
        const end = store.events.watch(() => {
          wakes += 1;
          end();
          resolve();
        });
      });
      await commit(store, stream(), 'none');
      await woken;
      for (let round = 0; round < 5; round += 1) await commit(store, stream(), 'none');
      assert.equal(wakes, 1);
    },
  },
  {
    name: 'a follower sees every event once, densely and each stream in order, while 8 writers append on two instances',
    run: ({ store, second, stream }) => follow({ store, second, stream, writers: 8, appends: 25, size: 3 }),
  },
  {
    name: 'a follower sees 200,000 events once, densely and each stream in order, while 8 writers append on two instances',
    large: true,
    run: ({ store, second, stream }) => follow({ store, second, stream, writers: 8, appends: 25, size: 1000 }),
  },
];

/** Readers on both instances follow the log by position while the writers append. */
async function follow(load: {
  readonly store: Store;
  second(): Promise<Store>;
  stream(): RecordedEvent['stream'];
  readonly writers: number;
  readonly appends: number;
  readonly size: number;
}): Promise<void> {
  const { store, writers, appends, size } = load;
  const other = await load.second();
  const streams = Array.from({ length: writers }, () => load.stream());
  const start = await store.events.head();
  const writing = streams.map(async (stream, writer) => {
    const to = writer % 2 === 0 ? store : other;
    for (let round = 0; round < appends; round += 1) await commit(to, stream, round * size, newEvents(size));
  });
  const total = writers * appends * size;
  await Promise.all([...writing, followOnce(store, start, streams, total), followOnce(other, start, streams, total)]);
}

async function followOnce(
  store: Store,
  start: number,
  streams: readonly RecordedEvent['stream'][],
  total: number,
): Promise<void> {
  const versions = new Map(streams.map(({ id }) => [id, 0]));
  let position = start;
  let seen = 0;
  while (seen < total) {
    const head = await store.events.head();
    for await (const event of store.events.readAll({ after: position })) {
      assert.equal(event.position, position + 1, 'a gap, or an event out of order');
      position = event.position;
      const before = versions.get(event.stream.id);
      if (before === undefined) continue;
      assert.equal(event.version, before + 1, `version of ${event.stream.id} at position ${position}`);
      versions.set(event.stream.id, event.version);
      seen += 1;
    }
    assert.ok(position >= head, 'the head was ahead of what could be read');
  }
  assert.equal(seen, total);
}
