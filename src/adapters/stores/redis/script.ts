import { createHash } from 'node:crypto';

/**
 * Work that Redis does in one go, between all else: nobody sees half of it, and of a write nothing or all is in the
 * append-only file. It is written so that what can fail comes before its first write, since Redis takes nothing back.
 */
export interface Script {
  readonly text: string;
  /** What `EVALSHA` names it by. */
  readonly sha: string;
}

/**
 * Numbers leave Lua by `whole`: its own conversion keeps 14 digits only; by `padded` they sort as text. `each` gives a
 * list in pieces that `unpack` takes, and `refuse` ends the script with an error of ours.
 */
const prelude = `
local function whole(number) return string.format('%.0f', number) end
local function padded(position) return string.format('%016.0f', position) end
local function refuse(code, found) return redis.error_reply('STATEWRIGHT_' .. code .. ' ' .. found) end
local function each(list, size, call)
  for first = 1, #list, size do call(unpack(list, first, math.min(first + size - 1, #list))) end
end
`;

export function script(body: string): Script {
  const text = prelude + body;
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}
