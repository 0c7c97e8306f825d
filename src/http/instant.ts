import { failure } from '../kernel/errors.ts';

/** A time of a query as ISO 8601 in UTC; a `+` that a client left unencoded arrives as a space, and is meant as `+`.
 * @throws MALFORMED_REQUEST */
export function instant(name: string, text: string): string {
  const match = PATTERN.exec(text);
  const time = match === null ? Number.NaN : Date.parse(`${match[1]}${(match[2] ?? 'Z').replace(' ', '+')}`);
  if (!Number.isNaN(time)) return new Date(time).toISOString();
  throw failure('MALFORMED_REQUEST', {
    expected: `${name} as ISO 8601 with its offset or Z, such as 2026-11-24T04:05:38.120Z`,
    found: JSON.stringify(text).slice(0, 60),
  });
}

const PATTERN = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?)(Z|[+\- ]\d\d:\d\d)$/;
