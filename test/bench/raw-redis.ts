import { Redis } from 'ioredis';
import { rawBatches, rawEvents } from './raw-events.ts';

/** Appends each event to the log and its position to its stream: what any log in Redis needs at the least. */
const script = `
for i = 1, #ARGV, 2 do
  local position = redis.call('RPUSH', KEYS[1], ARGV[i + 1])
  redis.call('RPUSH', KEYS[2] .. ARGV[i], position)
end`;

/** How many scripts are on their way at once. */
const pipelined = 4;

/** The ceiling of the Redis store: one script a batch, some on their way at once. Nothing is checked or answered. */
export async function rawRedisPerSecond(url: string): Promise<number> {
  const redis = new Redis(url);
  try {
    await redis.flushdb();
    const sha = String(await redis.script('LOAD', script));
    const batches = rawBatches().map((events) => events.flatMap((event) => [event.streamId, JSON.stringify(event)]));
    const startedMs = performance.now();
    for (let first = 0; first < batches.length; first += pipelined) {
      const some = batches.slice(first, first + pipelined);
      await Promise.all(some.map((values) => redis.evalsha(sha, 2, '{raw}:log', '{raw}:stream:', ...values)));
    }
    return rawEvents / ((performance.now() - startedMs) / 1_000);
  } finally {
    redis.disconnect();
  }
}
