import { randomUUID } from 'node:crypto';
import { type ErrorCode, isFailure } from '../kernel/errors.ts';
import type { CommandId, EventId, Metadata, NewEvent, StreamId } from '../kernel/message.ts';
import type { AppendEntry, AppendOutcome, CommandRecordInput, ExpectedVersion } from '../ports/event-store.ts';
import type { Store } from '../ports/store.ts';

/** A command id that nobody used. */
export const newCommandId = () => randomUUID() as CommandId;

/** An event about to be appended, with metadata of its own. */
export function newEvent(type = 'Happened', data: unknown = { amount: 1 }, meta: Partial<Metadata> = {}): NewEvent {
  const commandId = newCommandId();
  return {
    id: randomUUID() as EventId,
    type,
    data,
    meta: {
      occurredAt: '2026-01-02T03:04:05.678Z',
      commandId,
      correlationId: commandId,
      causationId: commandId,
      source: 'conformance',
      schema: 1,
      ...meta,
    },
  };
}

/** So many events, numbered from 1 in their data. */
export function newEvents(count: number, type = 'Happened', data: object = {}): readonly NewEvent[] {
  return Array.from({ length: count }, (_, at) => newEvent(type, { ...data, n: at + 1 }));
}

/** A command to be recorded with an entry. */
export function newCommand(more: Partial<CommandRecordInput> = {}): CommandRecordInput {
  return { id: newCommandId(), fingerprint: 'fingerprint', ...more };
}

/** Appends one entry alone and gives its outcome. */
export async function append(
  store: Store,
  stream: StreamId,
  expected: ExpectedVersion,
  events: readonly NewEvent[] = [newEvent()],
  more: Omit<AppendEntry, 'stream' | 'expected' | 'events'> = {},
): Promise<AppendOutcome> {
  const [outcome] = await store.events.append([{ stream, expected, events, ...more }]);
  if (outcome === undefined) throw new Error('An append of one entry had no outcome.');
  return outcome;
}

/** Appends one entry that must be committed. */
export async function commit(
  ...given: Parameters<typeof append>
): Promise<Extract<AppendOutcome, { readonly kind: 'committed' }>> {
  const outcome = await append(...given);
  if (outcome.kind !== 'committed') throw new Error(`Expected a commit, found ${JSON.stringify(outcome)}.`);
  return outcome;
}

/** Everything an iterable gives. */
export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const collected: Item[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

/** Which kind each outcome is. */
export const kinds = (outcomes: readonly AppendOutcome[]) => outcomes.map(({ kind }) => kind);

/** For `assert.rejects`: an error of ours with one of these codes. */
export const withCode =
  (...codes: readonly ErrorCode[]) =>
  (error: unknown) =>
    isFailure(error, ...codes);

/** Texts that have broken somebody's keys, queries, patterns or objects. */
export const oddTexts: readonly string[] = [
  '/',
  ':',
  '*',
  '%',
  '_',
  '.',
  '..',
  '-',
  ' ',
  '$all',
  '{}',
  '[a]',
  '\\',
  "'",
  "'; DROP TABLE events; --",
  '"',
  '`',
  '\n',
  '\u001f',
  '\u2028',
  '🦉',
  'null',
  '0',
  '__proto__',
  'constructor',
  'toString',
];
