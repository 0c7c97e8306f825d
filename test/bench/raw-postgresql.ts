import { insertsPerSecond } from './insert-batches.ts';
import type { RawEvent } from './raw-events.ts';

/** The ceiling of the PostgreSQL store: the events alone, one `INSERT … unnest` a batch. Nothing is read, checked or answered. */
export function rawPostgresqlPerSecond(url: string): Promise<number> {
  return insertsPerSecond(url, {
    async prepare(client) {
      await client.query(`CREATE SCHEMA raw;
        CREATE TABLE raw.events (position bigint PRIMARY KEY, version bigint NOT NULL, stream_id text NOT NULL,
          id text NOT NULL, type text NOT NULL, meta text NOT NULL, data text NOT NULL, recorded_at text NOT NULL,
          UNIQUE (stream_id, version))`);
    },
    text: `INSERT INTO raw.events SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[],
      $5::text[], $6::text[], $7::text[], $8::text[])`,
    valuesOf: columnsOf,
  });
}

function columnsOf(events: readonly RawEvent[]): readonly (readonly (string | number)[])[] {
  return [
    events.map(({ position }) => position),
    events.map(({ version }) => version),
    events.map(({ streamId }) => streamId),
    events.map(({ id }) => id),
    events.map(({ type }) => type),
    events.map(({ meta }) => meta),
    events.map(({ data }) => data),
    events.map(({ recordedAt }) => recordedAt),
  ];
}
