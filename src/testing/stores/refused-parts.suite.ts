import assert from 'node:assert/strict';
import { memoryStore } from '../../adapters/stores/memory/memory.ts';
import type { RecordedEvent, StreamId } from '../../kernel/message.ts';
import type { CommandRecord } from '../../ports/event-store.ts';
import type { LogPart, LogRecord } from '../../ports/transfer.ts';
import { collect, commit, newCommand, newEvent, newEvents, withCode } from '../store-fixtures.ts';
import type { StoreCase } from '../store-subject.ts';
import { assertSameLog, moveLog } from './move-log.ts';

const one: StreamId = { type: 'Account', id: 'one' };
const two: StreamId = { type: 'Account', id: 'two' };

/** Stored before: two events of `one`, its claim `email:one`, its command. The event after them comes from here. */
interface Stored {
  readonly events: readonly RecordedEvent[];
  readonly next: RecordedEvent;
  readonly command: CommandRecord;
}

const claim = (name: string, stream: StreamId): LogRecord => ({ kind: 'claim', claim: name, stream });

const refused: readonly (readonly [what: string, part: (stored: Stored) => Partial<LogPart>])[] = [
  ['a position after a gap', ({ next }) => ({ events: [{ ...next, position: 4 }] })],
  ['a version after a gap', ({ next }) => ({ events: [{ ...next, version: 4 }] })],
  ['a version that the stream has', ({ next }) => ({ events: [{ ...next, version: 2 }] })],
  ['a first version that is not 1', ({ next }) => ({ events: [{ ...next, stream: two, version: 2 }] })],
  [
    'a gap within the part',
    ({ next }) => ({ events: [next, { ...next, id: newEvent().id, version: 4, position: 5 }] }),
  ],
  ['a version twice in the part', ({ next }) => ({ events: [next, { ...next, id: newEvent().id, position: 4 }] })],
  ['events in another order', ({ events, next }) => ({ events: [next, ...events] })],
  ['a position before the first', ({ next }) => ({ events: [{ ...next, position: 0 }] })],
  ['another event at a position that is taken', ({ next }) => ({ events: [{ ...next, version: 2, position: 2 }] })],
  ['a time before the last', ({ next }) => ({ events: [{ ...next, recordedAt: '2020-01-01T00:00:00.000Z' }] })],
  ['a claim that another stream holds', ({ next }) => ({ events: [next], records: [claim('email:one', two)] })],
  [
    'a claim that two streams hold',
    ({ next }) => ({ events: [next], records: [claim('email:two', one), claim('email:two', two)] }),
  ],
  [
    'another record of the same command',
    ({ next, command }) => ({
      events: [next],
      records: [
        claim('email:new', one),
        { kind: 'command', stream: one, record: { ...command, fingerprint: 'other' } },
      ],
    }),
  ],
];

export const refusedPartCases: readonly StoreCase[] = [
  ...refused.map(
    ([what, part]): StoreCase => ({
      name: `refuses a part with ${what}, and stores nothing of it`,
      alone: true,
      async run({ store }) {
        const before = memoryStore();
        await commit(before, one, 'none', newEvents(2), { take: ['email:one'], command: newCommand() });
        await moveLog(before, store);
        const events = await collect(before.events.readAll());
        const [command] = (await collect(before.transfer.records())).filter((record) => record.kind === 'command');
        assert.ok(command);
        const last = events.at(-1);
        assert.ok(last);
        const next = { ...last, ...newEvent('Closed'), version: 3, position: 3 };
        const bad = { events: [], records: [], ...part({ events, next, command: command.record }) };
        await assert.rejects(store.transfer.restore(bad), withCode('IMPORT_CONFLICT'));
        await assertSameLog(store, before);
        await store.transfer.restore({ events: [next], records: [] });
        assert.deepEqual(await collect(store.events.readAll()), [...events, next]);
      },
    }),
  ),
  {
    name: 'refuses an id that no store may take',
    alone: true,
    async run({ store }) {
      const events = [
        { ...newEvent(), stream: { type: 'Account', id: '' }, version: 1, position: 1, recordedAt: time },
      ];
      await assert.rejects(store.transfer.restore({ events, records: [] }), withCode('INVALID_ID'));
      const records = [claim('email:a', { type: 'Account', id: 'x'.repeat(513) })];
      await assert.rejects(store.transfer.restore({ events: [], records }), withCode('INVALID_ID'));
      assert.equal(await store.events.head(), 0);
    },
  },
];

const time = '2026-01-02T03:04:05.678Z';
