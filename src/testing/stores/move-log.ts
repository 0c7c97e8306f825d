import assert from 'node:assert/strict';
import type { RecordedEvent } from '../../kernel/message.ts';
import type { Store } from '../../ports/store.ts';
import type { LogPart, LogRecord } from '../../ports/transfer.ts';
import { collect } from '../store-fixtures.ts';

/** All that `records` gives, by kind: of kinds other than commands, the order says nothing. */
export async function recordsOf(store: Store): Promise<Readonly<Record<string, readonly LogRecord[]>>> {
  const records = await collect(store.transfer.records());
  const of = (kind: LogRecord['kind']) => records.filter((record) => record.kind === kind);
  const sorted = (kind: LogRecord['kind']) =>
    of(kind).toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  return { commands: of('command'), claims: sorted('claim'), cursors: sorted('cursor'), marks: sorted('checkpoint') };
}

/** A store's log in parts of up to `size`: events and records side by side, in order. */
export async function partsOf(store: Store, size: number): Promise<readonly LogPart[]> {
  const events = await collect(store.events.readAll());
  const records = await collect(store.transfer.records());
  const length = Math.ceil(Math.max(events.length, records.length) / size);
  const slice = <Item>(items: readonly Item[], at: number) => items.slice(at * size, (at + 1) * size);
  return Array.from({ length }, (_, at) => ({ events: slice(events, at), records: slice(records, at) }));
}

/** Restores everything of `from` in `to`. */
export async function moveLog(from: Store, to: Store, size = 100): Promise<void> {
  for (const part of await partsOf(from, size)) await to.transfer.restore(part);
}

/** Compares all that a log has, event by event. */
export async function assertSameLog(found: Store, expected: Store): Promise<void> {
  assert.deepEqual(await eventsOf(found), await eventsOf(expected));
  assert.deepEqual(await recordsOf(found), await recordsOf(expected));
}

const eventsOf = (store: Store): Promise<RecordedEvent[]> => collect(store.events.readAll());
