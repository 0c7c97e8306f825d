import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import type { Chain } from '../../../../src/adapters/stores/mongodb/chain.ts';
import type { Commit } from '../../../../src/adapters/stores/mongodb/commit-documents.ts';
import { createLogView, type Head, type LogView } from '../../../../src/adapters/stores/mongodb/log-view.ts';

describe("an instance's view of the log", () => {
  test('is of the time it was asked for, although another writes after each of its questions', async () => {
    let last = 5;
    const view = viewOf({
      async has(number) {
        assert.ok(last < 100, 'it asks without end');
        return number <= last++;
      },
      async getAll(numbers) {
        const there = numbers.filter((number) => number <= last);
        last++;
        return there.map(commit);
      },
      async following(number, limit) {
        const there = Math.min(last + 1 - number, limit);
        last++;
        return Array.from({ length: there }, (_, at) => commit(number + at));
      },
    });
    const { number } = await view.refresh();
    assert.ok(number >= 5 && number <= last, `${number} of ${last}`);
  });

  test('ends before a commit that was written between two questions, when the one before it was not there yet', async () => {
    const view = viewOf({
      has: async () => true,
      getAll: async (numbers) => numbers.map(commit),
      following: async (number) => [commit(number), commit(number + 2)],
    });
    assert.equal((await view.refresh()).number, 3);
  });

  test('ends before a commit that is missing, however many follow it', async () => {
    const view = viewOf({
      has: async () => true,
      getAll: async (numbers) => numbers.map(commit),
      following: async (number, limit) => Array.from({ length: limit }, (_, at) => commit(number + 1 + at)),
    });
    assert.equal((await view.refresh()).number, 2);
  });
});

/** A view that has read nothing yet of a chain of empty commits. */
function viewOf(chain: Pick<Chain, 'has' | 'getAll' | 'following'>): LogView {
  const unused = () => assert.fail('an empty commit has no streams and no claims');
  const views = { of: unused, load: unused, catchUp: unused, forget: unused, trim: unused };
  const filter = { add: unused, mayHave: unused, isComplete: unused };
  return createLogView(
    { chain: { ...chain, insert: unused }, streams: views, claims: views, filter },
    beginning,
    () => {},
  );
}

const beginning: Head = { number: 0, position: 0, at: 0, eventAt: 0, horizon: 0, kept: 0, restored: 0 };

function commit(number: number): Commit {
  const texts = { types: [], correlations: [], payloads: [] };
  return { ...beginning, ...texts, number, entries: [], count: 0, by: 'it', writer: 'another', done: 0, size: 0 };
}
