import { createHash } from 'node:crypto';

/** What runs on the server as one. Times are the server's. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}

const now = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function int(number) return string.format('%.0f', number) end
`;

/**
 * Adds events to their streams, all or none, and rings. KEYS: aggregates, the streams. ARGV: bell, what it says, how many
 * types of aggregates, these types, then for each event: which of the keys, its `type`, its `cloudevent`.
 */
export const publishScript = script(`
local call = redis.call
local events = 4 + ARGV[3]
call('SADD', KEYS[1], unpack(ARGV, 4, events - 1))
for at = events, #ARGV, 3 do
  call('XADD', KEYS[tonumber(ARGV[at])], '*', 'type', ARGV[at + 1], 'cloudevent', ARGV[at + 2])
end
call('PUBLISH', ARGV[1], ARGV[2])
`);

/** Makes the group on each stream where it is not. KEYS: the streams. ARGV: group, the id after which it begins. */
export const createGroupScript = script(`
for _, stream in ipairs(KEYS) do
  local made = redis.pcall('XGROUP', 'CREATE', stream, ARGV[1], ARGV[2], 'MKSTREAM')
  if made.err and not string.find(made.err, 'BUSYGROUP', 1, true) then return made end
end
`);

/**
 * Shows that a member is alive, and gives it its share of the partitions as far as they are free: every member counts
 * the same members in the same order, so the shares fit together. Nobody is taken anything from: who has more than its
 * share gives it up by itself.
 *
 * KEYS: members, owners, groups, partitions. ARGV: changes, group, member, its life in ms, how many partitions, 1 when it leaves, then
 * the partitions that it reads, which it keeps also when the server forgot. Returns its share, then what it owns.
 */
export const beatScript = script(`
${now}
local member, total, leaving = ARGV[3], tonumber(ARGV[5]), ARGV[6] == '1'
local entry = leaving and '-' .. member or member
local changed = redis.call('ZADD', KEYS[1], int(now + ARGV[4]), entry)
if leaving then redis.call('ZREM', KEYS[1], member) end
changed = changed + redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', int(now))
redis.call('HSET', KEYS[3], ARGV[2], int(now))
redis.call('SETNX', KEYS[4], ARGV[5])

local alive, sharing = {}, {}
for _, name in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if string.sub(name, 1, 1) == '-' then
    alive[string.sub(name, 2)] = true
  else
    alive[name] = true
    sharing[#sharing + 1] = name
  end
end
table.sort(sharing)
local share = 0
for place, name in ipairs(sharing) do
  if name == member then
    share = math.floor(total / #sharing) + (place <= total % #sharing and 1 or 0)
  end
end

local owners = {}
local stored = redis.call('HGETALL', KEYS[2])
for at = 1, #stored, 2 do
  if alive[stored[at + 1]] then owners[stored[at]] = stored[at + 1] end
end
local owned = {}
local function own(partition)
  owned[#owned + 1] = tonumber(partition)
  if owners[partition] == member then return end
  owners[partition] = member
  redis.call('HSET', KEYS[2], partition, member)
end
for partition, owner in pairs(owners) do
  if owner == member then own(partition) end
end
for at = 7, #ARGV do
  if not owners[ARGV[at]] then own(ARGV[at]) end
end
for partition = 0, total - 1 do
  if #owned >= share then break end
  if not owners[tostring(partition)] then own(tostring(partition)) end
end
if changed > 0 then redis.call('PUBLISH', ARGV[1], ARGV[2]) end
table.insert(owned, 1, share)
return owned
`);

/**
 * Gives partitions up, so that others may take them. KEYS: members, owners. ARGV: changes, group, member, 1 when it is gone
 * for good, then the partitions.
 */
export const releaseScript = script(`
local changed = 0
for at = 5, #ARGV do
  if redis.call('HGET', KEYS[2], ARGV[at]) == ARGV[3] then
    changed = changed + redis.call('HDEL', KEYS[2], ARGV[at])
  end
end
if ARGV[4] == '1' then changed = changed + redis.call('ZREM', KEYS[1], ARGV[3], '-' .. ARGV[3]) end
if changed > 0 then redis.call('PUBLISH', ARGV[1], ARGV[2]) end
`);

/**
 * Removes consumers of the group that hold nothing, the one that gives the streams up and those that are gone: each
 * process brings names of its own. KEYS: members, the streams. ARGV: group, the giver, since how many ms the gone must be
 * silent.
 */
export const forgetConsumersScript = script(`
local function gone(name, idle)
  if name == ARGV[2] then return true end
  if redis.call('ZSCORE', KEYS[1], name) or redis.call('ZSCORE', KEYS[1], '-' .. name) then return false end
  return idle > tonumber(ARGV[3])
end
for place = 2, #KEYS do
  for _, facts in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[place], ARGV[1])) do
    local about = {}
    for at = 1, #facts, 2 do about[facts[at]] = facts[at + 1] end
    if about.pending == 0 and gone(about.name, about.idle) then
      redis.call('XGROUP', 'DELCONSUMER', KEYS[place], ARGV[1], about.name)
    end
  end
end
`);

/**
 * Removes from each stream what every group has handled and is older than what is kept for who reads without a group. A
 * group that nobody read for long is forgotten first: the log has what it misses. KEYS: groups, then the streams. ARGV:
 * kept for so many ms, forgotten after so many ms. Returns the streams where much is left.
 */
export const trimScript = script(`
${now}
local forgotten = now - ARGV[2]
local function parts(id)
  local ms, sequence = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(sequence)
end
local function less(a, b)
  local aMs, aSequence = parts(a)
  local bMs, bSequence = parts(b)
  return aMs < bMs or (aMs == bMs and aSequence < bSequence)
end
local function lastSeen(stream, group)
  local seen = tonumber(redis.call('HGET', KEYS[1], group) or -1)
  if seen < 0 then
    seen = now
    redis.call('HSET', KEYS[1], group, int(now))
  end
  if seen >= forgotten then return seen end
  for _, facts in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
    for at = 1, #facts, 2 do
      if facts[at] == 'idle' then seen = math.max(seen, now - facts[at + 1]) end
    end
  end
  return seen
end
local left = {}
for at = 2, #KEYS do
  local stream = KEYS[at]
  local keep = int(now - ARGV[1]) .. '-0'
  for _, facts in ipairs(redis.call('EXISTS', stream) == 1 and redis.call('XINFO', 'GROUPS', stream) or {}) do
    local about = {}
    for place = 1, #facts, 2 do about[facts[place]] = facts[place + 1] end
    if lastSeen(stream, about.name) < forgotten then
      redis.call('XGROUP', 'DESTROY', stream, about.name)
    else
      local needed = about['last-delivered-id']
      if about.pending > 0 then needed = redis.call('XPENDING', stream, about.name)[2] end
      if less(needed, keep) then keep = needed end
    end
  end
  redis.call('XTRIM', stream, 'MINID', '~', keep)
  if redis.call('XLEN', stream) > 200 then left[#left + 1] = stream end
end
return left
`);
