import { script } from './script.ts';

/**
 * Writes a part that was found to fit the log as it was at a revision; what it holds is not stored yet, but for cursors
 * and checkpoints, which are left alone where they are there.
 * KEYS: the fourteen named below, then those that the arguments point to by number. ARGV: revision; time of the last
 * event or command in ms, the same in ISO 8601; the last position; then five lists, each behind its length: events:
 * type as text, key of the type, correlation id, stream as text, key of the stream, id, version, position,
 * JSON; commands: field, JSON; claims: claim, stream; checkpoints: name, JSON; cursors: key of cursors, of letters, of
 * parked ones, of redriving ones, subscription, stream, cursor, state, id of its dead letter.
 * Gives 1, or 0 and writes nothing when the log changed since.
 */
export const restoreScript = script(String.raw`
local log, events, heads, commands, order, claims, appends, types, correlations, checkpoints = unpack(KEYS, 1, 10)
local subscriptions, parked, deadLetters, counts = unpack(KEYS, 11, 14)
local at = 0
local function take() at = at + 1; return ARGV[at] end
local function key() return KEYS[tonumber(take())] end
local function list(call) for i = 1, tonumber(take()) do call() end end

if (redis.call('HGET', log, 'revision') or '0') ~= take() then return 0 end
local ms, time, head = take(), take(), take()
local lastId

list(function()
  local typeText, typeKey, correlation, stream, streamKey = take(), key(), take(), take(), key()
  local id, version, position, json = take(), take(), take(), take()
  redis.call('HSET', events, position, json)
  redis.call('HSET', heads, stream, version .. ' ' .. id)
  redis.call('RPUSH', streamKey, position)
  redis.call('SADD', types, typeText)
  redis.call('RPUSH', typeKey, position)
  redis.call('ZADD', correlations, 0, correlation .. '\0' .. padded(tonumber(position)))
  lastId = id
end)
list(function()
  local field, json = take(), take()
  redis.call('HSET', commands, field, json)
  redis.call('RPUSH', order, field)
end)
list(function()
  local claim, stream = take(), take()
  redis.call('HSET', claims, claim, stream)
end)
list(function()
  local name, json = take(), take()
  redis.call('HSETNX', checkpoints, name, json)
end)
list(function()
  local cursors, letters, parkedOf, redriving = key(), key(), key(), key()
  local subscription, stream, cursor, state, letter = take(), take(), take(), take(), take()
  if redis.call('HSETNX', cursors, stream, cursor) == 0 then return end
  redis.call('SADD', subscriptions, subscription)
  if state == 'redriving' then redis.call('SADD', redriving, stream) end
  if state == 'parked' then
    redis.call('HSET', letters, stream, letter)
    redis.call('HSET', deadLetters, letter, cursor)
    redis.call('ZADD', parked, 0, letter)
    redis.call('ZADD', parkedOf, 0, letter)
    redis.call('HINCRBY', counts, subscription, 1)
  end
end)

redis.call('HINCRBY', log, 'revision', 1)
redis.call('HSET', log, 'position', head)
if tonumber(ms) > tonumber(redis.call('HGET', log, 'recordedAtMs') or 0) then
  redis.call('HSET', log, 'recordedAtMs', ms, 'recordedAt', time)
end
if lastId then
  redis.call('HSET', log, 'eventId', lastId)
  redis.call('XADD', appends, 'MAXLEN', 1, head .. '-0', 'eventId', lastId)
end
return 1
`);

/** KEYS: log, commands, their order. ARGV: how many were given, counted from the first ever; how many at most.
 * Gives that count behind these, then fields and records. */
export const commandsScript = script(`
local forgotten = tonumber(redis.call('HGET', KEYS[1], 'forgotten') or 0)
local first = math.max(0, tonumber(ARGV[1]) - forgotten)
local fields = redis.call('LRANGE', KEYS[3], first, first + ARGV[2] - 1)
local records = {}
if #fields > 0 then records = redis.call('HMGET', KEYS[2], unpack(fields)) end
return { forgotten + first + #fields, fields, records }
`);
