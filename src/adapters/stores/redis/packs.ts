import type { StreamId } from '../../../kernel/message.ts';
import type { StreamHead } from '../../../ports/event-store.ts';
import { type PackedEvents, packEvents } from '../archive-codec.ts';
import type { Connection } from './connection.ts';
import type { EventReading } from './event-reading.ts';
import { decodeHead, encodeBeginning, encodePacked } from './event-records.ts';
import { type Keys, streamText } from './keys.ts';
import { script } from './script.ts';

/**
 * Stores a pack and takes its payloads out of the events. KEYS: packs, packed, stream, events. ARGV: stream as text,
 * first and last version, the pack, then per event what its text begins with and what is left of the rest.
 * Gives 1, or 0 and changes nothing when other events are there.
 */
const packScript = script(`
local packs, packed, stream, events = unpack(KEYS)
local first, last = tonumber(ARGV[2]), tonumber(ARGV[3])
local positions = redis.call('LRANGE', stream, first - 1, last - 1)
if #positions ~= last - first + 1 then return 0 end
for i, position in ipairs(positions) do
  local beginning = ARGV[3 + 2 * i]
  local text = redis.call('HGET', events, position)
  if not text or string.sub(text, 1, #beginning) ~= beginning then return 0 end
end
redis.call('HSET', packs, ARGV[2], ARGV[3] .. ' ' .. ARGV[4])
redis.call('HSET', packed, ARGV[1], ARGV[3])
for i, position in ipairs(positions) do
  redis.call('HSET', events, position, ARGV[3 + 2 * i] .. ARGV[4 + 2 * i])
end
return 1
`);

/** Packs what is not packed yet, pack by pack, each in one script. */
export async function archiveStream(
  connection: Connection,
  keys: Keys,
  reading: EventReading,
  stream: StreamId,
  at: StreamHead,
): Promise<boolean> {
  const name = streamText(stream);
  const isThere = async () => {
    const { version, eventId } = decodeHead(await connection.send('HGET', keys.heads, name));
    return version > 0 && version === at.version && eventId === at.eventId;
  };
  if (!(await isThere())) return false;
  const from = 1 + Number((await connection.send<string | null>('HGET', keys.packed, name)) ?? 0);
  for await (const packed of packEvents(reading.readStream(stream, { from, to: at.version }))) {
    const parts: string[] = [];
    for await (const event of reading.readStream(stream, { from: packed.from, to: packed.to })) {
      parts.push(encodeBeginning(event), encodePacked(event, packed.from));
    }
    const names = [keys.packs(stream), keys.packed, keys.stream(stream), keys.events];
    const args = [name, packed.from, packed.to, Buffer.from(packed.bytes), ...parts];
    if ((await connection.run<number>(packScript, names, args)) === 0) return false;
  }
  return isThere();
}

/** The pack of a stream that begins at a version; undefined when there is none. */
export async function readPack(
  connection: Connection,
  keys: Keys,
  stream: StreamId,
  from: number,
): Promise<PackedEvents | undefined> {
  const stored = await connection.sendForBytes<Buffer | null>('HGET', keys.packs(stream), from);
  if (stored === null) return undefined;
  const end = stored.indexOf(' ');
  return { from, to: Number(stored.subarray(0, end).toString()), bytes: stored.subarray(end + 1) };
}
