import { script } from './script.ts';

/** Gives the texts of events by position, up to a size; an event that is missing was taken by somebody else. */
const readTexts = `
local function readTexts(events, positions, maxBytes)
  local texts, bytes = {}, 0
  for i, position in ipairs(positions) do
    local text = redis.call('HGET', events, position)
    if not text then return nil, refuse('CORRUPT', 'no event at position ' .. position) end
    texts[i], bytes = text, bytes + #text
    if bytes > maxBytes then break end
  end
  return texts
end
`;

/** Where in a list of positions those greater than one begin; mostly it is the list's end that is asked for. */
const firstAfter = `
local function firstAfter(list, position)
  local low, high = 0, redis.call('LLEN', list)
  local middle = high - 1
  while low < high do
    if tonumber(redis.call('LINDEX', list, middle)) <= position then low = middle + 1 else high = middle end
    middle = math.floor((low + high) / 2)
  end
  return low
end
`;

/**
 * KEYS: log, events, then those of what the events are found by. ARGV: after, to, how many at most, bytes, and `all`,
 * by which every event is given, `types`, of lists, or `correlation` and its id.
 * Gives whether there may be more behind these, then the events' texts, by position.
 */
export const readLogScript = script(
  readTexts +
    firstAfter +
    String.raw`
local after, most, maxBytes, by = tonumber(ARGV[1]), tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local to = math.min(tonumber(ARGV[2]), tonumber(redis.call('HGET', KEYS[1], 'position') or 0))
local positions = {}
if by == 'all' then
  for position = after + 1, math.min(after + most, to) do positions[#positions + 1] = whole(position) end
elseif by == 'correlation' then
  local id = ARGV[6] .. '\0'
  local from, behind = '(' .. id .. padded(after), '(' .. id .. padded(to + 1)
  for i, member in ipairs(redis.call('ZRANGEBYLEX', KEYS[3], from, behind, 'LIMIT', 0, most)) do
    positions[i] = whole(tonumber(string.sub(member, -16)))
  end
else
  for i = 3, #KEYS do
    local first = firstAfter(KEYS[i], after)
    for _, position in ipairs(redis.call('LRANGE', KEYS[i], first, first + most - 1)) do
      if tonumber(position) > to then break end
      positions[#positions + 1] = position
    end
  end
  table.sort(positions, function(a, b) return tonumber(a) < tonumber(b) end)
  for i = #positions, most + 1, -1 do positions[i] = nil end
end
local texts, corrupt = readTexts(KEYS[2], positions, maxBytes)
if corrupt then return corrupt end
local more = (#texts < #positions or #positions == most) and 1 or 0
return { more, texts }
`,
);

/**
 * KEYS: stream, events. ARGV: first and last version, how many at most, bytes, 1 for backwards.
 * Gives whether there may be more behind these, then the events' texts, by version.
 */
export const readStreamScript = script(
  readTexts +
    `
local from, most, backwards = math.max(tonumber(ARGV[1]), 1), tonumber(ARGV[3]), ARGV[5] == '1'
local to = math.min(tonumber(ARGV[2]), redis.call('LLEN', KEYS[1]))
local first = backwards and math.max(from, to - most + 1) or from
local last = backwards and to or math.min(to, from + most - 1)
if first > last then return { 0, {} } end
local positions = redis.call('LRANGE', KEYS[1], whole(first - 1), whole(last - 1))
if backwards then
  for i = 1, math.floor(#positions / 2) do
    positions[i], positions[#positions + 1 - i] = positions[#positions + 1 - i], positions[i]
  end
end
local texts, corrupt = readTexts(KEYS[2], positions, tonumber(ARGV[4]))
if corrupt then return corrupt end
local more = (#texts < #positions or (backwards and first > from) or (not backwards and last < to)) and 1 or 0
return { more, texts }
`,
);

/**
 * KEYS: log, events. ARGV: a position. Gives the log's last position, and the text of the event at the one asked for.
 */
export const readAtScript = script(`
return { tonumber(redis.call('HGET', KEYS[1], 'position') or 0), redis.call('HGET', KEYS[2], ARGV[1]) or '' }
`);
