import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import type { EventId, RecordedEvent, StreamId } from '../kernel/message.ts';
import { newEvent } from './store-fixtures.ts';

/** An event of the log as the relay would publish it; versions are the caller's. */
export function recorded(stream: StreamId, version = 1, data: unknown = { version }, type = 'Happened'): RecordedEvent {
  return { ...newEvent(type, data), stream, version, position: version, recordedAt: '2026-01-02T03:04:05.680Z' };
}

/** The versions `from…to` of a stream. */
export function history(stream: StreamId, to: number, from = 1): readonly RecordedEvent[] {
  return Array.from({ length: to - from + 1 }, (_, at) => recorded(stream, from + at));
}

/** Collects what a subscription is given, and waits for it. */
export interface Inbox {
  /** In the order they were handled; a repeat is there twice. */
  readonly received: readonly RecordedEvent[];
  /** Takes the event. */
  handle(event: RecordedEvent): Promise<void>;
  /** Resolves when each of these was received at least once; fails when nothing comes for half a minute. */
  holds(events: readonly RecordedEvent[]): Promise<void>;
  /** Resolves when that holds, looked at whenever an event comes. */
  until(holds: () => boolean, what: string): Promise<void>;
}

/** @param work done for each event before it counts as received. */
export function createInbox(work: (event: RecordedEvent) => Promise<void> = async () => {}): Inbox {
  const received: RecordedEvent[] = [];
  const ids = new Set<EventId>();
  const waiting = new Set<() => void>();

  async function until(holds: () => boolean, what: string): Promise<void> {
    if (holds()) return;
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => {
        waiting.delete(look);
        reject(new Error(`Nothing came for 30 s, waiting for ${what}; received ${received.length} events.`));
      }, 30_000);
      const look = () => {
        late.refresh();
        if (!holds()) return;
        clearTimeout(late);
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
    });
  }

  return {
    received,
    async handle(event) {
      await work(event);
      received.push(event);
      ids.add(event.id);
      for (const look of waiting) look();
    },
    holds: (events) => until(() => ids.size >= events.length && events.every(({ id }) => ids.has(id)), 'all events'),
    until,
  };
}

/** Fails when a stream's versions did not come in order; a repeat of the last one is allowed. */
export function assertInOrder(received: readonly RecordedEvent[]): void {
  const last = new Map<string, number>();
  for (const { stream, version } of received) {
    const key = JSON.stringify([stream.type, stream.id]);
    const before = last.get(key) ?? 0;
    assert.ok(version === before + 1 || version === before, `${key}: version ${version} came after ${before}`);
    last.set(key, version);
  }
}

/** Fails when something else was received than these. */
export function assertNothingElse(received: readonly RecordedEvent[], expected: readonly RecordedEvent[]): void {
  const known = new Set(expected.map(({ id }) => id));
  assert.deepEqual(
    received.filter(({ id }) => !known.has(id)),
    [],
  );
}

/** A few turns of the event loop: time for what must not happen. */
export async function someTurns(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await setImmediate();
}

/** The items in lists of so many. */
export function inChunks<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size));
}

/** The lists' items in turn: the first of each, the second of each, … */
export function interleaved<Item>(lists: readonly (readonly Item[])[]): readonly Item[] {
  const longest = Math.max(0, ...lists.map(({ length }) => length));
  return Array.from({ length: longest }, (_, at) => lists.flatMap((list) => list.slice(at, at + 1))).flat();
}
