import { Redis } from 'ioredis';
import { type RawEvent, rawBatches, rawEvents } from './raw-events.ts';

/** How many scripts are on their way at once. */
const pipelined = 4;

export interface Scripts {
  readonly script: string;
  readonly keys: readonly string[];
  argumentsOf(event: RawEvent): readonly (string | number)[];
}

/** Events a second, one script a batch; the arguments are made before the clock starts. */
export async function scriptsPerSecond(url: string, { script, keys, argumentsOf }: Scripts): Promise<number> {
  const redis = new Redis(url);
  try {
    await redis.flushdb();
    const sha = String(await redis.script('LOAD', script));
    const batches = rawBatches().map((events) => events.flatMap(argumentsOf));
    const startedMs = performance.now();
    for (let first = 0; first < batches.length; first += pipelined) {
      const some = batches.slice(first, first + pipelined);
      await Promise.all(some.map((values) => redis.evalsha(sha, keys.length, ...keys, ...values)));
    }
    return rawEvents / ((performance.now() - startedMs) / 1_000);
  } finally {
    redis.disconnect();
  }
}
