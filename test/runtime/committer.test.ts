import { expect, test } from 'vitest';
import { systemClock } from '../../src/kernel/clock.ts';
import { failure } from '../../src/kernel/errors.ts';
import type { AppendEntry, AppendOutcome } from '../../src/ports/event-store.ts';
import { silentTelemetry } from '../../src/ports/telemetry.ts';
import { createBreaker } from '../../src/runtime/breaker.ts';
import { createCommitter } from '../../src/runtime/committer.ts';
import { someTurns } from '../../src/testing/bus-fixtures.ts';
import { newEvent } from '../../src/testing/store-fixtures.ts';

/** A committer, and what happened in order: `append 3`, `answered 3`, `committed one`, …
 * @param fails how often the store does not answer, from the first append on. */
function setUp({ embedded, fails = 0 }: { readonly embedded: boolean; readonly fails?: number }) {
  const told: string[] = [];
  let underWay = 0;
  let failures = 0;
  const committer = createCommitter({
    events: {
      async append(entries) {
        expect(++underWay).toBeLessThanOrEqual(embedded ? 1 : 2);
        told.push(`append ${entries.length}`);
        await someTurns(3);
        underWay -= 1;
        if (failures++ < fails) throw failure('STORE_UNAVAILABLE');
        told.push(`answered ${entries.length}`);
        if (entries.some(({ stream }) => stream.id === 'poison')) throw failure('EVENT_TOO_LARGE');
        return entries.map(
          (_, at): AppendOutcome => ({ kind: 'committed', version: 1, position: at + 1, recordedAt: '' }),
        );
      },
    },
    embedded,
    breaker: createBreaker({ name: 'store', clock: systemClock }),
    clock: systemClock,
    telemetry: silentTelemetry,
    retryDelayMs: 1,
  });
  const entryOf = (id: string): AppendEntry => ({
    stream: { type: 'Account', id },
    expected: 'any',
    events: [newEvent('Happened', {})],
  });
  const submit = (id: string, settled = () => {}) =>
    committer.submit(entryOf(id), (outcome) => {
      told.push(`${'kind' in outcome ? outcome.kind : outcome.code} ${id}`);
      settled();
    });
  return { committer, told, submit };
}

test('a store elsewhere has one half while it works on the other, and both are settled in order', async () => {
  const { committer, told, submit } = setUp({ embedded: false });
  // Each of 200 callers sends once more when it is answered.
  for (let caller = 0; caller < 200; caller++) submit(`a${caller}`, () => submit(`b${caller}`));
  await committer.flushed();
  for (const letter of ['a', 'b']) expect(committed(told, letter)).toEqual(all(letter, 200));
  const calls = told.filter((each) => !each.startsWith('committed'));
  expect(calls.slice(0, 2)).toEqual(['append 100', 'append 100']);
  expect(calls.filter((each) => each.startsWith('append'))).toEqual(Array(4).fill('append 100'));
});

test('what the store answers out of order is settled in order', async () => {
  const { committer, told, submit } = setUp({ embedded: false, fails: 1 });
  for (let caller = 0; caller < 200; caller++) submit(`a${caller}`);
  await committer.flushed();
  expect(told.slice(0, 5)).toEqual(['append 100', 'append 100', 'answered 100', 'append 100', 'answered 100']);
  expect(committed(told, 'a')).toEqual(all('a', 200));
});

test.for([
  { what: 'a half goes out at once', count: 64, calls: ['append 64', 'append 64', 'answered 64', 'answered 64'] },
  { what: 'less than a half waits', count: 63, calls: ['append 64', 'answered 64', 'append 63', 'answered 63'] },
])('of what comes while an append is under way, $what', async ({ count, calls }) => {
  const { committer, told, submit } = setUp({ embedded: false });
  for (let caller = 0; caller < 64; caller++) submit(`a${caller}`);
  await someTurns(2);
  for (let caller = 0; caller < count; caller++) submit(`b${caller}`);
  await committer.flushed();
  expect(told.filter((each) => !each.startsWith('committed'))).toEqual(calls);
});

test('few entries go together, and so do all on an embedded store', async () => {
  const few = setUp({ embedded: false });
  for (let caller = 0; caller < 64; caller++) few.submit(`a${caller}`);
  await few.committer.flushed();
  expect(few.told[0]).toBe('append 64');
  const embedded = setUp({ embedded: true });
  for (let caller = 0; caller < 200; caller++) embedded.submit(`a${caller}`, () => embedded.submit(`b${caller}`));
  await embedded.committer.flushed();
  expect(embedded.told.filter((each) => each.startsWith('append'))).toEqual(['append 200', 'append 200']);
});

test('what the store can never take fails alone', async () => {
  const { committer, told, submit } = setUp({ embedded: false });
  for (const id of ['one', 'poison', 'two']) submit(id);
  await committer.flushed();
  const outcomes = told.filter((each) => !/^(append|answered)/.test(each));
  expect(outcomes).toEqual(['committed one', 'EVENT_TOO_LARGE poison', 'committed two']);
});

const committed = (told: readonly string[], letter: string) =>
  told.filter((each) => each.startsWith(`committed ${letter}`));

const all = (letter: string, count: number) => Array.from({ length: count }, (_, at) => `committed ${letter}${at}`);
