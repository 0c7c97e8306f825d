import { Redis } from 'ioredis';
import { type RawEvent, rawBatches, rawEvents } from './raw-events.ts';

/** How many batches are on their way at once. */
const pipelined = 4;

export interface Scripts {
  readonly script: string;
  /** The calls of the script that write a batch. */
  callsOf(events: readonly RawEvent[]): readonly Call[];
}

export interface Call {
  readonly keys: readonly string[];
  readonly values: readonly (string | number)[];
}

/** Events a second by a script, pipelined; the arguments are made before the clock starts. */
export async function scriptsPerSecond(url: string, { script, callsOf }: Scripts): Promise<number> {
  const redis = new Redis(url);
  try {
    await redis.flushdb();
    const sha = String(await redis.script('LOAD', script));
    const batches = rawBatches().map(callsOf);
    const startedMs = performance.now();
    for (let first = 0; first < batches.length; first += pipelined) {
      const pipeline = redis.pipeline();
      for (const { keys, values } of batches.slice(first, first + pipelined).flat()) {
        pipeline.evalsha(sha, keys.length, ...keys, ...values);
      }
      for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error;
    }
    return rawEvents / ((performance.now() - startedMs) / 1_000);
  } finally {
    redis.disconnect();
  }
}
