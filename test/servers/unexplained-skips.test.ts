import assert from 'node:assert/strict';
import { test } from 'vitest';
import { unexplainedSkips } from './unexplained-skips.ts';

test('finds what was skipped without its reason at the end of the name', () => {
  const results = [
    { status: 'passed', title: 'holds' },
    { status: 'skipped', title: 'keeps data (needs durable)' },
    { status: 'skipped', title: 'keeps data' },
    { status: 'todo', title: 'later' },
  ];
  const assertionResults = results.map((result) => ({ ...result, fullName: `suite ${result.title}` }));
  const report = JSON.stringify({ testResults: [{ assertionResults }] });
  assert.deepEqual(unexplainedSkips(report), ['suite keeps data', 'suite later']);
});
