import pg from 'pg';
import { type RawEvent, rawBatches, rawEvents } from './raw-events.ts';

/** What to insert of a batch, by one statement with these values. */
export interface Inserts {
  readonly text: string;
  /** Makes the tables. */
  prepare(client: pg.Client): Promise<void>;
  valuesOf(events: readonly RawEvent[]): readonly unknown[];
}

/** Events a second, one batch after the other on one connection; the values are made before the clock starts. */
export async function insertsPerSecond(url: string, { text, prepare, valuesOf }: Inserts): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('DROP SCHEMA IF EXISTS raw CASCADE');
    await prepare(client);
    const batches = rawBatches().map(valuesOf);
    const startedMs = performance.now();
    for (const values of batches) await client.query({ name: 'raw', text, values: [...values] });
    return rawEvents / ((performance.now() - startedMs) / 1_000);
  } finally {
    await client.end();
  }
}
