import { Redis } from 'ioredis';
import { type RawEvent, rawBatches, rawEvents } from './raw-events.ts';

/** How many batches are on their way at all times. */
const underWay = 4;

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
    const send = async () => {
      for (let calls = batches.pop(); calls !== undefined; calls = batches.pop()) {
        const pipeline = redis.pipeline();
        for (const { keys, values } of calls) pipeline.evalsha(sha, keys.length, ...keys, ...values);
        for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error;
      }
    };
    batches.reverse();
    const startedMs = performance.now();
    await Promise.all(Array.from({ length: underWay }, send));
    return rawEvents / ((performance.now() - startedMs) / 1_000);
  } finally {
    redis.disconnect();
  }
}
