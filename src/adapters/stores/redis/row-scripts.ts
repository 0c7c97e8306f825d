import { type Script, script } from './script.ts';

/**
 * A script that reads the live generation. KEYS: read model, then what it reads of the generation that the caller takes
 * for the live one. ARGV: that one's number, then its own. Gives 1 and what the body gives, or 0 and the number of the
 * generation that is live, 0 when there is none.
 */
function liveScript(body: string): Script {
  return script(`
local live = redis.call('HGET', KEYS[1], 'live')
if live ~= ARGV[1] then return { 0, tonumber(live or 0) } end
local function rowsOf(key, members, pattern)
  local rows = {}
  for i, member in ipairs(members) do rows[i] = redis.call('HGET', key, string.match(member, pattern)) end
  return rows
end
local function work()
${body}
end
return { 1, work() }
`);
}

/** A place ends with the row's id, behind the order. */
const idInPlace = `'^[^%z]*%z(.*)$'`;

/** Before the place there stand name and value of the index. */
const idInIndex = `'^[^%z]*%z[^%z]*%z(.*)$'`;

/** KEYS: rows. ARGV: id. */
export const getScript = liveScript(`return redis.call('HGET', KEYS[2], ARGV[2]) or ''`);

/** KEYS: totals. */
export const totalsScript = liveScript(`return redis.call('HGETALL', KEYS[2])`);

const pageScript = (pattern: string) =>
  liveScript(
    `return rowsOf(KEYS[3], redis.call('ZRANGEBYLEX', KEYS[2], ARGV[2], ARGV[3], 'LIMIT', 0, ARGV[4]), ${pattern})`,
  );

/** KEYS: places, rows. ARGV: from, to, how many at most. */
export const placesScript = pageScript(idInPlace);

/** KEYS: index, rows. ARGV: from, to, how many at most. */
export const indexScript = pageScript(idInIndex);

/** KEYS: faulty ones, rows. ARGV: how many at most. Gives how many there are, and the first of them. */
export const faultyScript = liveScript(`
local first = redis.call('ZRANGEBYLEX', KEYS[2], '-', '+', 'LIMIT', 0, ARGV[2])
return { redis.call('ZCARD', KEYS[2]), rowsOf(KEYS[3], first, ${idInPlace}) }
`);

/**
 * KEYS: places, search, rows. ARGV: from, how many rows to look at, what to find, how many at most. Gives the place of
 * the last row looked at when there may be more behind it, and the rows found.
 */
export const searchScript = liveScript(`
local members = redis.call('ZRANGEBYLEX', KEYS[2], ARGV[2], '+', 'LIMIT', 0, ARGV[3])
local found = {}
for _, member in ipairs(members) do
  local text = redis.call('HGET', KEYS[3], string.match(member, ${idInPlace}))
  if text and string.find(text, ARGV[4], 1, true) then found[#found + 1] = member end
  if #found == tonumber(ARGV[5]) then break end
end
local next = #members == tonumber(ARGV[3]) and members[#members] or ''
return { next, rowsOf(KEYS[4], found, ${idInPlace}) }
`);

/** What a dropped generation left. KEYS: dropped ones, then all keys of the generation. ARGV: its number. */
export const sweepScript = script(`
redis.call('UNLINK', unpack(KEYS, 2))
redis.call('SREM', KEYS[1], ARGV[1])
`);
