import { scriptsPerSecond } from './script-batches.ts';

/** Appends each event to the log and its position to its stream: what any log in Redis needs at the least. */
const script = `
for i = 1, #ARGV, 2 do
  local position = redis.call('RPUSH', KEYS[1], ARGV[i + 1])
  redis.call('RPUSH', KEYS[2] .. ARGV[i], position)
end`;

/** The ceiling of the Redis store: one script a batch, some on their way at once. Nothing is checked or answered. */
export function rawRedisPerSecond(url: string): Promise<number> {
  return scriptsPerSecond(url, {
    script,
    keys: ['{raw}:log', '{raw}:stream:'],
    argumentsOf: (event) => [event.streamId, JSON.stringify(event)],
  });
}
