import { script } from './script.ts';

/**
 * Compare-and-set of cursors, each by itself, with everything that finds them kept up to date.
 * KEYS: parked, dead letters, counts, subscriptions; per change: cursors, letters, parked ones and redriving ones of
 * the subscription. ARGV per change: subscription, stream, revision it must have, the cursor, its state, id of its dead
 * letter.
 * Gives per change 1, or 0 and the cursor as it is stored, if it is.
 */
export const advanceScript = script(`
local parked, deadLetters, counts, subscriptions = unpack(KEYS, 1, 4)
local replies = {}
for i = 1, #ARGV / 6 do
  local cursors, letters, parkedOf, redriving = unpack(KEYS, 4 * i + 1, 4 * i + 4)
  local subscription, stream, revision, cursor, state, letter = unpack(ARGV, 6 * i - 5, 6 * i)
  local stored = redis.call('HGET', cursors, stream)
  local current = stored and tonumber(string.match(stored, '^%d+')) or 0
  if current ~= tonumber(revision) then
    replies[i] = { 0, stored or '' }
  else
    if not stored then redis.call('SADD', subscriptions, subscription) end
    redis.call('HSET', cursors, stream, cursor)
    local before = stored and redis.call('HGET', letters, stream)
    if before then
      redis.call('HDEL', letters, stream)
      redis.call('HDEL', deadLetters, before)
      redis.call('ZREM', parked, before)
      redis.call('ZREM', parkedOf, before)
      if redis.call('HINCRBY', counts, subscription, -1) == 0 then redis.call('HDEL', counts, subscription) end
    end
    if state == 'parked' then
      redis.call('HSET', letters, stream, letter)
      redis.call('HSET', deadLetters, letter, cursor)
      redis.call('ZADD', parked, 0, letter)
      redis.call('ZADD', parkedOf, 0, letter)
      redis.call('HINCRBY', counts, subscription, 1)
    end
    if state == 'redriving' then redis.call('SADD', redriving, stream)
    elseif stored then redis.call('SREM', redriving, stream) end
    replies[i] = { 1, '' }
  end
end
return replies
`);

/** KEYS: ids of dead letters, their cursors. ARGV: from which id on, how many at most. Gives the cursors. */
export const parkedScript = script(`
local ids = redis.call('ZRANGEBYLEX', KEYS[1], ARGV[1], '+', 'LIMIT', 0, ARGV[2])
local cursors = {}
for i, id in ipairs(ids) do cursors[i] = redis.call('HGET', KEYS[2], id) end
return cursors
`);

/**
 * Forgets a slice of a subscription's dead letters, and when none are left all of its cursors. KEYS: parked, dead
 * letters, counts, subscriptions, then cursors, letters, parked ones and redriving ones of the subscription. ARGV:
 * subscription, how many at most. Gives how many dead letters are left.
 */
export const forgetParkedScript = script(`
local parked, deadLetters, counts, subscriptions, cursors, letters, parkedOf, redriving = unpack(KEYS)
local ids = redis.call('ZRANGE', parkedOf, 0, ARGV[2] - 1)
if #ids > 0 then
  redis.call('HDEL', deadLetters, unpack(ids))
  redis.call('ZREM', parked, unpack(ids))
  redis.call('ZREM', parkedOf, unpack(ids))
  redis.call('HINCRBY', counts, ARGV[1], -#ids)
end
local left = redis.call('ZCARD', parkedOf)
if left == 0 then
  redis.call('UNLINK', cursors, letters, redriving)
  redis.call('HDEL', counts, ARGV[1])
  redis.call('SREM', subscriptions, ARGV[1])
end
return left
`);
