import { script } from './script.ts';

/** What the script says of an entry. Commands come as stored, streams as one text. */
export type AppendReply =
  | readonly ['committed', version: number, position: number]
  | readonly ['duplicate', command: string]
  | readonly ['conflict', actual: number]
  | readonly ['claimed', claim: string, by: string];

/**
 * Judges and stores a batch. Every write is of a kind that can't fail once the first has not: the server looks at
 * memory, disk and role before a script's first write only. Payloads pass through as text, they are never looked into.
 * KEYS: the eight named below, then those of streams, types and correlations, to which the arguments point by number.
 * ARGV: time in ms, the same in ISO 8601; per entry: stream, its key, expected, expected event id or '', command id or
 * '', command's JSON, how many claims to take, these, how many to release, these, how many events; per event: its type
 * as text, key of the type, key of the correlation, id, JSON.
 * Gives the time, the last position, and one reply per entry.
 */
export const appendScript = script(String.raw`
local log, events, heads, commands, order, claims, appends, types = unpack(KEYS, 1, 8)
local at = 0
local function take() at = at + 1; return ARGV[at] end
local function key() return KEYS[tonumber(take())] end
local function takeList()
  local list = {}
  for i = 1, tonumber(take()) do list[i] = take() end
  return list
end

local ms, time = take(), take()
local known = redis.call('HMGET', log, 'position', 'recordedAtMs', 'recordedAt')
local start = tonumber(known[1] or 0)
if known[2] and tonumber(known[2]) >= tonumber(ms) then ms, time = known[2], known[3] end
local position, lastId, stored = start, nil, false
-- What this batch changed: it is written at the end, in few calls, and looked at first until then.
local eventsAdded, headsSet, commandsAdded, orderAdded = {}, {}, {}, {}
local headNow, commandNow, typeKnown = {}, {}, {}

local function headOf(stream)
  local head = headNow[stream]
  if head then return head end
  local version, eventId = string.match(redis.call('HGET', heads, stream) or '0 ', '^(%d+) (.*)$')
  head = { version = tonumber(version), eventId = eventId }
  headNow[stream] = head
  return head
end

local function judge(stream, head, entry)
  local field = stream .. '\0' .. entry.command
  local first = entry.command ~= '' and (commandNow[field] or redis.call('HGET', commands, field))
  if first then return { 'duplicate', first } end
  local expected, version = entry.expected, head.version
  local fits = expected == 'any' or (expected == 'none' and version == 0) or (expected == 'exists' and version > 0)
    or (tonumber(expected) == version and (entry.eventId == '' or entry.eventId == head.eventId))
  if not fits then return { 'conflict', version } end
  for _, claim in ipairs(entry.takes) do
    local holder = redis.call('HGET', claims, claim)
    if holder and holder ~= stream then return { 'claimed', claim, holder } end
  end
end

local function place(version, json)
  local numbers = '"position":' .. whole(position) .. ',"version":' .. whole(version)
  return numbers .. ',"recordedAt":"' .. time .. '",' .. json
end

local function addEvents(stream, streamKey, head, count)
  local positions = {}
  for i = 1, count do
    local typeText, typeKey, correlationKey, id, json = take(), key(), key(), take(), take()
    position, lastId = position + 1, id
    head.version, head.eventId = head.version + 1, id
    local text = whole(position)
    positions[i] = text
    eventsAdded[#eventsAdded + 1] = text
    eventsAdded[#eventsAdded + 1] = '{' .. place(head.version, json)
    if not typeKnown[typeText] then
      redis.call('SADD', types, typeText)
      typeKnown[typeText] = true
    end
    redis.call('XADD', typeKey, text .. '-0', '', '')
    redis.call('ZADD', correlationKey, text, text)
  end
  redis.call('RPUSH', streamKey, unpack(positions))
  headsSet[#headsSet + 1] = stream
  headsSet[#headsSet + 1] = whole(head.version) .. ' ' .. head.eventId
end

local replies = {}
while at < #ARGV do
  local stream, streamKey = take(), key()
  local entry = { expected = take(), eventId = take(), command = take(), json = take() }
  entry.takes, entry.releases = takeList(), takeList()
  local count = tonumber(take())
  local head = headOf(stream)
  local refusal = judge(stream, head, entry)
  if refusal then
    at = at + 5 * count
    replies[#replies + 1] = refusal
  else
    if count > 0 then addEvents(stream, streamKey, head, count) end
    for _, claim in ipairs(entry.releases) do
      if redis.call('HGET', claims, claim) == stream then redis.call('HDEL', claims, claim) end
    end
    for _, claim in ipairs(entry.takes) do redis.call('HSET', claims, claim, stream) end
    if entry.command ~= '' then
      local field = stream .. '\0' .. entry.command
      commandNow[field] = '{"count":' .. count .. ',' .. place(head.version, entry.json)
      commandsAdded[#commandsAdded + 1] = field
      commandsAdded[#commandsAdded + 1] = commandNow[field]
      orderAdded[#orderAdded + 1] = field
    end
    stored = stored or count > 0 or entry.command ~= '' or #entry.takes > 0 or #entry.releases > 0
    replies[#replies + 1] = { 'committed', head.version, position }
  end
end

each(eventsAdded, 1000, function(...) redis.call('HSET', events, ...) end)
each(headsSet, 1000, function(...) redis.call('HSET', heads, ...) end)
each(commandsAdded, 1000, function(...) redis.call('HSET', commands, ...) end)
each(orderAdded, 1000, function(...) redis.call('RPUSH', order, ...) end)
if stored then
  redis.call('HSET', log, 'position', whole(position), 'recordedAtMs', ms, 'recordedAt', time)
  redis.call('HINCRBY', log, 'revision', 1)
end
if position > start then
  redis.call('HSET', log, 'eventId', lastId)
  redis.call('XADD', appends, 'MAXLEN', 1, whole(position) .. '-0', 'eventId', lastId)
end
return { time, position, replies }
`);
