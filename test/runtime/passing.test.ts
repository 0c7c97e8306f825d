import { describe, expect, test } from 'vitest';
import { failure } from '../../src/kernel/errors.ts';
import { isPassing } from '../../src/runtime/passing.ts';

const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });

describe('passing failures', () => {
  test.each([
    ['an error of ours that is retryable', failure('CHANNEL_UNAVAILABLE'), true],
    ['an open breaker', failure('BREAKER_OPEN'), true],
    ['an error of ours that is not', failure('CHANNEL_REJECTED', { cause: refused }), false],
    ['a refused connection', refused, true],
    ['a refused connection within `fetch failed`', new TypeError('fetch failed', { cause: refused }), true],
    ['all addresses refused', new AggregateError([refused, refused]), true],
    ['a time-out', new DOMException('late', 'TimeoutError'), true],
    ['an abort', new DOMException('stop', 'AbortError'), true],
    ['a 503', { status: 503 }, true],
    ['a 429', { statusCode: 429 }, true],
    ['a 404', { status: 404 }, false],
    ['a mistake in the code', new TypeError('x is not a function'), false],
    ['no error at all', undefined, false],
  ])('%s: %#', (_, error, expected) => {
    expect(isPassing(error)).toBe(expected);
  });
});
