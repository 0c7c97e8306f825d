import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { memoryStore } from '../../src/adapters/stores/memory/memory.ts';
import { exportLog } from '../../src/cli/export.ts';
import { importLog } from '../../src/cli/import.ts';
import type { Store } from '../../src/ports/store.ts';
import { retentionCheckpoint } from '../../src/runtime/retention.ts';
import { heapBytes } from '../../src/testing/heap.ts';
import { append, collect, commit, newCommand, newEvent, newEvents } from '../../src/testing/store-fixtures.ts';
import { fillLog, place } from '../../src/testing/stores/filled-log.ts';
import { assertSameLog, recordsOf } from '../../src/testing/stores/move-log.ts';
import { noProgress } from './no-progress.ts';

let directory: string;
let file: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'statewright-log-'));
  file = join(directory, 'log.jsonl');
});
afterEach(() => rm(directory, { recursive: true }));

const exported = async (store: Store) => {
  await exportLog(store, file, noProgress);
  return (await readFile(file, 'utf8')).split('\n');
};
const isThere = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

/** A store in which something happens at a moment of the export. */
function meddled(store: Store, moment: 'records' | 'events', meddle: () => Promise<unknown>): Store {
  const records: Store['transfer']['records'] = async function* () {
    yield* store.transfer.records();
    if (moment === 'records') await meddle();
  };
  const readAll: Store['events']['readAll'] = async function* (filter) {
    if (moment === 'events') await meddle();
    yield* store.events.readAll(filter);
  };
  return { ...store, transfer: { ...store.transfer, records }, events: { ...store.events, readAll } };
}

describe('the file', () => {
  test('says what it is, then gives records, events by position and the end', async () => {
    const store = memoryStore();
    await fillLog(store);
    const lines = await exported(store);
    expect(lines.pop()).toBe('');
    const [header, ...rest] = lines.map((line) => JSON.parse(line));
    expect(header).toMatchObject({ format: 'statewright-log', formatVersion: 1, provider: 'memory' });
    const kinds = rest.map(({ kind }) => kind);
    const events = rest.filter(({ kind }) => kind === 'event').map(({ event }) => event);
    expect(events).toEqual(await collect(store.events.readAll()));
    expect(kinds.lastIndexOf('claim')).toBeLessThan(kinds.indexOf('event'));
    expect(rest.at(-1)).toMatchObject({ kind: 'end', events: header.head, records: rest.length - header.head - 1 });
  });

  test('leaves out where retention stands, and the cursors of a replay', async () => {
    const store = memoryStore();
    await fillLog(store);
    const before = await recordsOf(store);
    await store.checkpoints.save(retentionCheckpoint, { position: 5 }, { lease: retentionCheckpoint, token: 0 });
    await place(store, 'replay:1', 'account-1', 1, { kind: 'live' });
    const other = memoryStore();
    await exported(store);
    await importLog(other, file, noProgress);
    expect(await recordsOf(other)).toEqual(before);
  });
});

describe('a log that moves', () => {
  test('while its records are read is refused, and leaves no file', async () => {
    const store = memoryStore();
    await fillLog(store);
    const moving = meddled(store, 'records', () => commit(store, { type: 'Account', id: 'new' }, 'none'));
    await expect(exportLog(moving, file, noProgress)).rejects.toMatchObject({ code: 'LOG_MOVED' });
    expect(await isThere(file)).toBe(false);
    expect(await isThere(`${file}.part`)).toBe(false);
  });

  test('while its events are read is exported as it was before', async () => {
    const store = memoryStore();
    await fillLog(store);
    const [events, records] = [await collect(store.events.readAll()), await recordsOf(store)];
    const moving = meddled(store, 'events', async () => {
      const change = { command: newCommand(), take: ['email:new'] };
      await commit(store, { type: 'Account', id: 'new' }, 'none', newEvents(2), change);
    });
    const other = memoryStore();
    await exported(moving);
    await importLog(other, file, noProgress);
    expect(await collect(other.events.readAll())).toEqual(events);
    expect(await recordsOf(other)).toEqual(records);
  });
});

describe('an import', () => {
  const spoiled: readonly (readonly [
    what: string,
    told: string,
    line: number,
    spoil: (lines: string[]) => readonly string[],
  ])[] = [
    ['is cut behind a line', 'the end of the log', 100, (lines) => [...lines.slice(0, 99), '']],
    ['is cut in the middle of a line', 'JSON', 100, (lines) => [...lines.slice(0, 99), String(lines[99]).slice(0, 30)]],
    ['lacks its header', 'the header', 1, (lines) => lines.slice(1)],
    ['is empty', 'JSON', 1, () => []],
    [
      'is of a newer format',
      'format version 1 at most',
      1,
      ([header, ...rest]) => [String(header).replace('Version":1', 'Version":2'), ...rest],
    ],
    ['has a line that is no JSON', 'JSON', 3, (lines) => lines.with(2, '{"kind"')],
    ['has a line of an unknown kind', 'an event, a record', 3, (lines) => lines.with(2, '{"kind":"order"}')],
    [
      'has an event without data',
      'an event, a record',
      290,
      (lines) => lines.with(289, String(lines[289]).replace('"data"', '"date"')),
    ],
    [
      'has a time that is none',
      'an event, a record',
      290,
      (lines) => lines.with(289, String(lines[289]).replace(/Z"}}$/, '+01:00"}}')),
    ],
    ['lacks a line', '138 events and 192 records', 331, (lines) => lines.toSpliced(200, 1)],
    [
      'has a changed line',
      'the checksum',
      332,
      (lines) => lines.with(300, String(lines[300]).replace('conformance', 'conformity')),
    ],
    ['goes on after its end', 'nothing after the end', 333, (lines) => [...lines.slice(0, -1), String(lines[1]), '']],
  ];

  test.each(spoiled)(
    'of a file that %s tells that it expected %s, in line %i, and stores nothing',
    async (_, told, line, spoil) => {
      const store = memoryStore();
      await fillLog(store);
      const lines = await exported(store);
      expect(lines).toHaveLength(333);
      const text = spoil(lines).join('\n');
      expect(text).not.toBe(lines.join('\n'));
      await writeFile(file, text);
      const other = memoryStore();
      await expect(importLog(other, file, noProgress)).rejects.toMatchObject({
        code: 'IMPORT_UNREADABLE',
        explanation: { expected: expect.stringContaining(told), details: { line } },
      });
      await assertSameLog(other, memoryStore());
    },
  );

  test('into a log that has other events, or more, is refused, and stores nothing', async () => {
    const store = memoryStore();
    await fillLog(store);
    // More records than one part has.
    for (let count = 0; count < 600; count += 1) {
      await commit(store, { type: 'Account', id: 'account-1' }, 'exists', [], { command: newCommand() });
    }
    await exported(store);
    const [other, before] = [memoryStore(), memoryStore()];
    await commit(other, { type: 'Account', id: 'other' }, 'none', newEvents(3));
    const events = await collect(other.events.readAll());
    await expect(importLog(other, file, noProgress)).rejects.toMatchObject({ code: 'IMPORT_CONFLICT' });
    expect(await collect(other.events.readAll())).toEqual(events);
    expect(await recordsOf(other)).toEqual(await recordsOf(before));
    await importLog(before, file, noProgress);
    await append(before, { type: 'Account', id: 'account-1' }, 'exists', [newEvent()], {
      release: ['email:account-1'],
    });
    await expect(importLog(before, file, noProgress)).rejects.toMatchObject({ code: 'IMPORT_CONFLICT' });
    expect((await before.events.claimHolders(['email:account-1'])).size).toBe(0);
  });

  test('that was broken off at any part goes on with the same file, and ends the same', async () => {
    const store = memoryStore();
    await fillLog(store);
    for (let count = 0; count < 20; count += 1) {
      await commit(store, { type: 'Account', id: 'long' }, 'any', newEvents(100), { command: newCommand() });
    }
    await exported(store);
    for (const dies of [0, 1, 3, 4]) {
      const other = memoryStore();
      let parts = 0;
      const restore: Store['transfer']['restore'] = async (part) => {
        if (parts === dies) throw new Error('the process died');
        parts += 1;
        await other.transfer.restore(part);
      };
      const dying = { ...other, transfer: { ...other.transfer, restore } };
      await expect(importLog(dying, file, noProgress)).rejects.toThrow('the process died');
      await importLog(other, file, noProgress);
      await assertSameLog(other, store);
    }
  });

  test('tells the lines of a part that does not fit', async () => {
    const store = memoryStore();
    await fillLog(store);
    await exported(store);
    const other = memoryStore();
    await commit(other, { type: 'Stranger', id: '1' }, 'none', [], { take: ['email:account-1'] });
    await expect(importLog(other, file, noProgress)).rejects.toMatchObject({
      code: 'IMPORT_CONFLICT',
      message: expect.stringMatching(/Stranger 1 in lines 2 to 331 of the file/),
    });
  });

  test('and an export of 20,000 events take no more memory than of some', async () => {
    const store = memoryStore();
    const data = { text: 'x'.repeat(500) };
    for (let stream = 0; stream < 40; stream += 1) {
      await commit(store, { type: 'Account', id: `a${stream}` }, 'none', newEvents(500, 'Happened', data));
    }
    const before = heapBytes();
    let peak = 0;
    const note = () => {
      peak = Math.max(peak, heapBytes() - before);
    };
    await exportLog(store, file, { ...noProgress, to: (done) => void (done % 4_000 === 0 && note()) });
    const other = memoryStore();
    let parts = 0;
    const restore: Store['transfer']['restore'] = async () => {
      parts += 1;
      if (parts % 8 === 0) note();
    };
    await importLog({ ...other, transfer: { ...other.transfer, restore } }, file, noProgress);
    expect(parts).toBeGreaterThanOrEqual(40);
    expect(peak).toBeLessThan(8_000_000);
  });
});
