import { scriptsPerSecond } from './script-batches.ts';

/** Appends an event to the log and its position to its stream: what any log in Redis needs at the least. */
const script = `
local position = redis.call('RPUSH', KEYS[1], ARGV[1])
return redis.call('RPUSH', KEYS[2], position)`;

/** An append a script, 100 in a pipeline. Nothing is checked. */
export function rawRedisPerSecond(url: string): Promise<number> {
  return scriptsPerSecond(url, {
    script,
    callsOf: (events) =>
      events.map((event) => ({
        keys: ['{raw}:log', `{raw}:stream:${event.streamId}`],
        values: [JSON.stringify(event)],
      })),
  });
}
