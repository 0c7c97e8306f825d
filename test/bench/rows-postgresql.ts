import { postgresqlStore } from '../../src/adapters/stores/postgresql/postgresql.ts';
import { insertsPerSecond } from './insert-batches.ts';
import { type RawEvent, rawFingerprint } from './raw-events.ts';

/** What PostgreSQL takes of the store: the rows of its tables, one `INSERT … unnest` a batch. Nothing is looked up, checked or answered. */
export function postgresqlRowsPerSecond(url: string): Promise<number> {
  return insertsPerSecond(url, {
    async prepare() {
      const store = await postgresqlStore({ url, namespace: 'raw' });
      await store.close();
    },
    text: `WITH
      log AS (INSERT INTO raw.events SELECT position, stream, recorded_at, version, 1, id, command, meta, data
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::integer[], $5::text[], $6::text[], $7::text[], $8::text[])
          AS w(position, stream, recorded_at, version, id, command, meta, data)),
      fresh AS (INSERT INTO raw.streams SELECT stream, 'User', id
        FROM unnest($2::bigint[], $4::integer[], $9::text[]) AS w(stream, version, id) WHERE version = 1)
      INSERT INTO raw.commands SELECT position, stream, recorded_at, position, version, 1, command, $10
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::integer[], $6::text[])
          AS w(position, stream, recorded_at, version, command)`,
    valuesOf: (events) => [...columnsOf(events), rawFingerprint],
  });
}

function columnsOf(events: readonly RawEvent[]): readonly (readonly (string | number)[])[] {
  return [
    events.map(({ position }) => position),
    events.map(({ streamNumber }) => streamNumber),
    events.map(({ recordedAt }) => Date.parse(recordedAt)),
    events.map(({ version }) => version),
    events.map(({ id }) => id),
    events.map(({ commandId }) => commandId),
    events.map(({ meta }) => meta),
    events.map(({ data }) => data),
    events.map(({ streamId }) => streamId),
  ];
}
