import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';

/** How long the server may take to say goodbye. */
const goodbyeMs = 1000;

/** Ends a connection in order, or without the server when it takes no notice. */
export async function ended(client: pg.Client): Promise<void> {
  const late = new AbortController();
  const patience = delay(goodbyeMs, undefined, { ref: false, signal: late.signal }).catch(() => {});
  await Promise.race([client.end().catch(() => {}), patience]);
  late.abort();
  client.connection.stream.destroy();
}
