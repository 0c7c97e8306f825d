import type { RawEvent } from './raw-events.ts';
import { scriptsPerSecond } from './script-batches.ts';

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

/** What Redis takes of the store: its keys, one script a batch, some on their way at once. Nothing is read or checked. */
export function redisKeysPerSecond(url: string): Promise<number> {
  return scriptsPerSecond(url, {
    script,
    callsOf: (events) => [{ keys: ['{raw}:'], values: events.flatMap(argumentsOf) }],
  });
}

function argumentsOf(event: RawEvent): readonly (string | number)[] {
  return [event.position, event.streamId, event.version, event.commandId, JSON.stringify(event)];
}
