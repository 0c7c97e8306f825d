import { fencedScript } from './fencing.ts';

/**
 * KEYS: lease, read model, last number, dropped ones. ARGV: token, hash, `begin` or `open`. Gives number and
 * checkpoint.
 */
export const openScript = fencedScript(`
local model, numbers, dropped = KEYS[2], KEYS[3], KEYS[4]
if ARGV[3] == 'open' then
  for _, state in ipairs({ 'live', 'building' }) do
    if redis.call('HGET', model, state .. '-hash') == ARGV[2] then
      return { tonumber(redis.call('HGET', model, state)), redis.call('HGET', model, state .. '-checkpoint') }
    end
  end
end
local before = redis.call('HGET', model, 'building')
if before then redis.call('SADD', dropped, before) end
local state = redis.call('HEXISTS', model, 'live') == 1 and 'building' or 'live'
local number, checkpoint = redis.call('INCR', numbers), '{"position":0}'
redis.call('HSET', model, state, whole(number), state .. '-hash', ARGV[2], state .. '-checkpoint', checkpoint)
return { number, checkpoint }
`);

/**
 * KEYS: lease, read model, dropped ones. ARGV: token, number. Gives 1, or 0 when it neither is live nor being built.
 */
export const swapScript = fencedScript(`
local model, dropped, number = KEYS[2], KEYS[3], ARGV[2]
local live, building = redis.call('HGET', model, 'live'), redis.call('HGET', model, 'building')
if building == number then
  redis.call('SADD', dropped, live)
  local fields = redis.call('HMGET', model, 'building-hash', 'building-checkpoint')
  redis.call('HSET', model, 'live', number, 'live-hash', fields[1], 'live-checkpoint', fields[2])
elseif live ~= number then return 0
elseif building then redis.call('SADD', dropped, building) end
redis.call('HDEL', model, 'building', 'building-hash', 'building-checkpoint')
return 1
`);

/**
 * Rows, sums and checkpoint of one generation, if it is still where the writer believes it to be.
 * KEYS: lease, read model, then rows, search, places, index, faulty and totals of the generation. ARGV: token, number,
 * the checkpoint as the writer knows it, the new one, how many rows to write; per row: id, what is searched, the row;
 * then the ids to delete. Gives `done` also when the new checkpoint is there already, `dropped`, or the checkpoint that
 * is there.
 */
export const commitScript = fencedScript(String.raw`
local model, rows, search, places, index, faulty, totals = unpack(KEYS, 2, 8)
local state
for _, each in ipairs({ 'live', 'building' }) do
  if redis.call('HGET', model, each) == ARGV[2] then state = each end
end
if not state then return 'dropped' end
local stored = redis.call('HGET', model, state .. '-checkpoint')
if stored ~= ARGV[3] then return stored == ARGV[4] and 'done' or stored end

local sums = {}
local function count(text, sign)
  for name, amount in string.gmatch(text, '([^=&]*)=([^&]*)') do
    sums[name] = (sums[name] or 0) + sign * tonumber(amount)
  end
end

local nothing = { index = '', totals = '' }
local function parts(text)
  if not text then return nothing end
  local place, indexed, added, isFaulty, at = string.match(text, '^%d+ (%d+) (%d+) (%d+) (%d) ()')
  local function cut(bytes)
    at = at + bytes
    return string.sub(text, at - bytes, at - 1)
  end
  return { place = cut(place), index = cut(indexed), totals = cut(added), faulty = isFaulty == '1' }
end

local function replace(old, new)
  local stays = old.place == new.place
  if not stays or old.index ~= new.index then
    for pair in string.gmatch(old.index, '[^&]+') do redis.call('ZREM', index, pair .. '\0' .. old.place) end
    for pair in string.gmatch(new.index, '[^&]+') do redis.call('ZADD', index, 0, pair .. '\0' .. new.place) end
  end
  if not stays and old.place then redis.call('ZREM', places, old.place) end
  if not stays and new.place then redis.call('ZADD', places, 0, new.place) end
  if old.faulty then redis.call('ZREM', faulty, old.place) end
  if new.faulty then redis.call('ZADD', faulty, 0, new.place) end
  if old.totals ~= new.totals then
    count(old.totals, -1)
    count(new.totals, 1)
  end
end

local at = 6
for i = 1, tonumber(ARGV[5]) do
  local id, text, row = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  at = at + 3
  replace(parts(redis.call('HGET', rows, id)), parts(row))
  redis.call('HSET', rows, id, row)
  redis.call('HSET', search, id, text)
end
for i = at, #ARGV do
  replace(parts(redis.call('HGET', rows, ARGV[i])), nothing)
  redis.call('HDEL', rows, ARGV[i])
  redis.call('HDEL', search, ARGV[i])
end
for name, amount in pairs(sums) do
  if amount ~= 0 then
    local before = tonumber(redis.call('HGET', totals, name) or 0)
    redis.call('HSET', totals, name, string.format('%.17g', before + amount))
  end
end
redis.call('HSET', model, state .. '-checkpoint', ARGV[4])
return 'done'
`);
