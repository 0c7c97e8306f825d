import { script } from './script.ts';

/** What the script says of an entry; two numbers when it is committed. Commands come as stored, streams as one text. */
export type AppendReply =
  | readonly [version: number, position: number]
  | readonly ['duplicate', command: string]
  | readonly ['conflict', actual: number]
  | readonly ['claimed', claim: string, by: string];

/**
 * Judges and stores a batch. Every write is of a kind that can't fail once the first has not: the server looks at
 * memory, disk and role before a script's first write only. Payloads pass through as text, they are never looked into.
 * What many entries need is read before them and written behind them, in few calls, and arguments are taken where they
 * stand: with 200 entries, the server spends half of its time here on Lua itself.
 *
 * KEYS: the nine named below, then one of each stream, one of each type.
 * ARGV: time in ms, the same in ISO 8601; the streams, the types, the fields of the commands, each list behind its
 * length; per entry: number of the stream, expected, expected event id or '', number of the field or 0, command's JSON,
 * how many claims to take, how many to release, how many events, the claims; per event: number of the type, correlation
 * id, id, JSON.
 * Gives the time, the last position, and one reply per entry.
 */
export const appendScript = script(String.raw`
local log, events, heads, commands, order, claims, appends, types, correlations = unpack(KEYS, 1, 9)
local KEYS, ARGV, call, tonumber, whole, padded = KEYS, ARGV, redis.call, tonumber, whole, padded
local at = 2
local function list()
  local items, count = {}, tonumber(ARGV[at + 1])
  for i = 1, count do items[i] = ARGV[at + 1 + i] end
  at = at + 1 + count
  return items
end
local function fetch(key, names)
  local found = {}
  each(names, 1000, function(...)
    for _, value in ipairs(call('HMGET', key, ...)) do found[#found + 1] = value end
  end)
  return found
end

local ms, time = ARGV[1], ARGV[2]
local streams, typeTexts, fields = list(), list(), list()
local stored, known = fetch(heads, streams), fetch(commands, fields)
local state = call('HMGET', log, 'position', 'recordedAtMs', 'recordedAt')
local start = tonumber(state[1] or 0)
if state[2] and tonumber(state[2]) >= tonumber(ms) then ms, time = state[2], state[3] end
local recorded = ',"recordedAt":"' .. time .. '",'
local position, lastId, changed = start, nil, false
local versions, eventIds, moved = {}, {}, {}
for i = 1, #streams do
  local version, eventId = string.match(stored[i] or '0 ', '^(%d+) (.*)$')
  versions[i], eventIds[i] = tonumber(version), eventId
end
local newEvents, newPlaces, newCommands, newOrder, byType = {}, {}, {}, {}, {}
for i = 1, #typeTexts do byType[i] = {} end

local function judge(n, expected, eventId, field, takes)
  local first = field > 0 and known[field]
  if first then return { 'duplicate', first } end
  local version = versions[n]
  local fits = expected == 'any' or (expected == 'none' and version == 0) or (expected == 'exists' and version > 0)
    or (tonumber(expected) == version and (eventId == '' or eventId == eventIds[n]))
  if not fits then return { 'conflict', version } end
  for i = at + 1, at + takes do
    local holder = call('HGET', claims, ARGV[i])
    if holder and holder ~= streams[n] then return { 'claimed', ARGV[i], holder } end
  end
end

local function claim(stream, takes, releases)
  for i = at + takes + 1, at + takes + releases do
    if call('HGET', claims, ARGV[i]) == stream then call('HDEL', claims, ARGV[i]) end
  end
  for i = at + 1, at + takes do call('HSET', claims, ARGV[i], stream) end
end

local function add(n, first, count)
  local positions, version = {}, versions[n]
  for i = 0, count - 1 do
    local a = first + 4 * i
    position, version = position + 1, version + 1
    local text = whole(position)
    positions[i + 1] = text
    newEvents[#newEvents + 1] = text
    newEvents[#newEvents + 1] = '{"position":' .. text .. ',"version":' .. whole(version) .. recorded .. ARGV[a + 3]
    newPlaces[#newPlaces + 1] = '0'
    newPlaces[#newPlaces + 1] = ARGV[a + 1] .. '\0' .. padded(position)
    local sameType = byType[tonumber(ARGV[a])]
    sameType[#sameType + 1] = text
  end
  lastId = ARGV[first + 4 * count - 2]
  versions[n], eventIds[n], moved[n] = version, lastId, true
  call('RPUSH', KEYS[9 + n], unpack(positions))
end

local replies = {}
while at < #ARGV do
  local n, expected, eventId, field = tonumber(ARGV[at + 1]), ARGV[at + 2], ARGV[at + 3], tonumber(ARGV[at + 4])
  local json, takes, releases = ARGV[at + 5], tonumber(ARGV[at + 6]), tonumber(ARGV[at + 7])
  local count = tonumber(ARGV[at + 8])
  at = at + 8
  local refusal = judge(n, expected, eventId, field, takes)
  if refusal then
    replies[#replies + 1] = refusal
  else
    if count > 0 then add(n, at + takes + releases + 1, count) end
    if takes + releases > 0 then claim(streams[n], takes, releases) end
    if field > 0 then
      known[field] = '{"version":' .. whole(versions[n]) .. ',"count":' .. count .. ',"position":' .. whole(position)
        .. recorded .. json
      newCommands[#newCommands + 1] = fields[field]
      newCommands[#newCommands + 1] = known[field]
      newOrder[#newOrder + 1] = fields[field]
    end
    changed = changed or count + field + takes + releases > 0
    replies[#replies + 1] = { versions[n], position }
  end
  at = at + takes + releases + 4 * count
end

local newHeads = {}
for n in pairs(moved) do
  newHeads[#newHeads + 1] = streams[n]
  newHeads[#newHeads + 1] = whole(versions[n]) .. ' ' .. eventIds[n]
end
for i, positions in ipairs(byType) do
  if #positions > 0 then call('SADD', types, typeTexts[i]) end
  each(positions, 1000, function(...) call('RPUSH', KEYS[9 + #streams + i], ...) end)
end
each(newEvents, 1000, function(...) call('HSET', events, ...) end)
each(newPlaces, 1000, function(...) call('ZADD', correlations, ...) end)
each(newHeads, 1000, function(...) call('HSET', heads, ...) end)
each(newCommands, 1000, function(...) call('HSET', commands, ...) end)
each(newOrder, 1000, function(...) call('RPUSH', order, ...) end)
if changed then
  call('HSET', log, 'position', whole(position), 'recordedAtMs', ms, 'recordedAt', time)
  call('HINCRBY', log, 'revision', 1)
end
if position > start then
  call('HSET', log, 'eventId', lastId)
  call('XADD', appends, 'MAXLEN', 1, whole(position) .. '-0', 'eventId', lastId)
end
return { time, position, replies }
`);
