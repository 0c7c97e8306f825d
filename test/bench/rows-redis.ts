import { Redis } from 'ioredis';
import { type RawEvent, rawBatches, rawEvents } from './raw-events.ts';

/** How many arguments an event has. */
const width = 5;

/** Writes the keys that the store has of an event and its command; lists of one key go in one call. */
const script = `
local events, places, positions, heads, commands, order = {}, {}, {}, {}, {}, {}
for i = 1, #ARGV, ${width} do
  local position, stream, version, command, json = unpack(ARGV, i, i + ${width - 1})
  local at = #events
  events[at + 1], events[at + 2] = position, json
  places[at + 1], places[at + 2] = '0', command .. '\\0' .. position
  heads[at + 1], heads[at + 2] = stream, version .. ' ' .. position
  commands[at + 1], commands[at + 2] = stream .. command, '{"version":' .. version .. ',"position":' .. position .. '}'
  positions[#positions + 1], order[#order + 1] = position, stream .. command
  redis.call('RPUSH', KEYS[1] .. 'stream:' .. stream, position)
end
redis.call('HSET', KEYS[1] .. 'events', unpack(events))
redis.call('ZADD', KEYS[1] .. 'correlations', unpack(places))
redis.call('RPUSH', KEYS[1] .. 'type', unpack(positions))
redis.call('HSET', KEYS[1] .. 'heads', unpack(heads))
redis.call('HSET', KEYS[1] .. 'commands', unpack(commands))
redis.call('RPUSH', KEYS[1] .. 'order', unpack(order))`;

/** How many scripts are on their way at once. */
const pipelined = 4;

/** What Redis takes of the store: its keys, one script a batch, some on their way at once. Nothing is read or checked. */
export async function redisKeysPerSecond(url: string): Promise<number> {
  const redis = new Redis(url);
  try {
    await redis.flushdb();
    const sha = String(await redis.script('LOAD', script));
    const batches = rawBatches().map((events) => events.flatMap(argumentsOf));
    const startedMs = performance.now();
    for (let first = 0; first < batches.length; first += pipelined) {
      const some = batches.slice(first, first + pipelined);
      await Promise.all(some.map((values) => redis.evalsha(sha, 1, '{raw}:', ...values)));
    }
    return rawEvents / ((performance.now() - startedMs) / 1_000);
  } finally {
    redis.disconnect();
  }
}

function argumentsOf(event: RawEvent): readonly (string | number)[] {
  return [event.position, event.streamId, event.version, event.commandId, JSON.stringify(event)];
}
