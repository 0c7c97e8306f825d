import pg from 'pg';
import { type RawEvent, rawBatches, rawEvents } from './raw-events.ts';

/**
 * The ceiling of the PostgreSQL store: the events alone, one `INSERT … unnest` a batch, one after the other on one
 * connection. Nothing is read, checked, encoded or answered.
 */
export async function rawPostgresqlPerSecond(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`DROP SCHEMA IF EXISTS raw CASCADE; CREATE SCHEMA raw;
      CREATE TABLE raw.events (position bigint PRIMARY KEY, version bigint NOT NULL, stream_id text NOT NULL,
        id text NOT NULL, type text NOT NULL, meta text NOT NULL, data text NOT NULL, recorded_at text NOT NULL,
        UNIQUE (stream_id, version))`);
    const text = `INSERT INTO raw.events SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[],
      $5::text[], $6::text[], $7::text[], $8::text[])`;
    const batches = rawBatches().map(columnsOf);
    const startedMs = performance.now();
    for (const values of batches) await client.query({ name: 'raw', text, values: [...values] });
    return rawEvents / ((performance.now() - startedMs) / 1_000);
  } finally {
    await client.end();
  }
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
