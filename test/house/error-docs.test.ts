import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { type ErrorCode, errorTable } from '../../src/kernel/errors.ts';

const sections = new Map(
  readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')), section] as const),
);

it('docs/errors.md explains every code of the table, and no other', () => {
  expect([...sections.keys()].sort()).toEqual(Object.keys(errorTable).sort());
});

it.each(Object.keys(errorTable) as ErrorCode[])(
  'docs/errors.md tells the status of %s and whether to retry',
  (code) => {
    const { status, retryable } = errorTable[code];
    expect(sections.get(code)).toMatch(new RegExp(`^${code}\n${status}${retryable ? ', retry' : '(?!, retry)'}`));
  },
);
