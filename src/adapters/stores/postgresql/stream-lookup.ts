/**
 * For the middle of a statement: the stream with this number, as `s`. A subquery of its own, as in `append-function.ts`, so
 * that no plan reads all streams.
 */
export const streamNumbered = (key: string): string =>
  `LATERAL (SELECT * FROM $.streams s WHERE s.key = ${key} OFFSET 0) s`;
