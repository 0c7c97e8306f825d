import { promisify } from 'node:util';
import { deflate, deflateSync, inflateSync } from 'node:zlib';
import { failure } from '../../kernel/errors.ts';
import type { RecordedEvent, StreamId } from '../../kernel/message.ts';

/** What an archive holds of an event: the rest stays where it was. */
export type Payload = Pick<RecordedEvent, 'data' | 'meta'>;

/** The payloads of some of a stream's events, version after version, compressed together. */
export interface PackedEvents {
  /** The first version. */
  readonly from: number;
  /** The last version. */
  readonly to: number;
  /** One line of JSON an event, deflated. */
  readonly bytes: Uint8Array;
}

/** A pack ends after so many events, or characters of JSON: it is made and opened in a few milliseconds. More would not
 * make it smaller: deflate looks back 32 KiB. */
const maxPackEvents = 1_000;
const maxPackCharacters = 250_000;

const deflated = promisify(deflate);

/** Packs a stream's events, given by version, piece by piece. */
export async function* packEvents(events: AsyncIterable<RecordedEvent>): AsyncGenerator<PackedEvents, void, undefined> {
  let lines: string[] = [];
  let characters = 0;
  let to = 0;
  const pack = async (): Promise<PackedEvents> => {
    const text = lines.join('\n');
    // A single large event must not hold up the process.
    const bytes = characters > maxPackCharacters ? await deflated(text) : deflateSync(text);
    const packed = { from: to - lines.length + 1, to, bytes };
    lines = [];
    characters = 0;
    return packed;
  };
  for await (const { data, meta, version } of events) {
    const line = JSON.stringify({ data, meta });
    if (lines.length === maxPackEvents || (lines.length > 0 && characters + line.length > maxPackCharacters)) {
      yield await pack();
    }
    lines.push(line);
    characters += line.length;
    to = version;
  }
  if (lines.length > 0) yield await pack();
}

/** Packs that were opened lately, so that a reader who comes by event after event opens each once. */
export interface Unpacker {
  /** The payload, made anew for each reader; undefined when its pack is not at hand. */
  find(stream: StreamId, version: number): Payload | undefined;
  /** Opens the pack that holds this version, to be found from now on; gives the payload. @throws STORE_CORRUPT */
  open(stream: StreamId, version: number, packed: PackedEvents | undefined): Payload;
}

interface OpenPack {
  readonly from: number;
  readonly lines: readonly string[];
  readonly characters: number;
}

/** How much is kept open; one pack always is. */
const keptCharacters = 8_000_000;

export function createUnpacker(): Unpacker {
  /** By stream, the one used last at the end. */
  const open = new Map<string, OpenPack>();
  let characters = 0;

  const forget = (key: string) => {
    characters -= open.get(key)?.characters ?? 0;
    open.delete(key);
  };

  return {
    find(stream, version) {
      const key = keyOf(stream);
      const pack = open.get(key);
      const line = pack?.lines[version - pack.from];
      if (pack === undefined || line === undefined) return undefined;
      open.delete(key);
      open.set(key, pack);
      return JSON.parse(line);
    },

    open(stream, version, packed) {
      const key = keyOf(stream);
      const text = packed && inflated(packed.bytes);
      const lines = text?.split('\n') ?? [];
      const line = packed && lines[version - packed.from];
      if (
        packed === undefined ||
        text === undefined ||
        line === undefined ||
        lines.length !== packed.to - packed.from + 1
      )
        throw corrupt(stream, version);
      forget(key);
      open.set(key, { from: packed.from, lines, characters: text.length });
      characters += text.length;
      for (const oldest of open.keys()) {
        if (characters <= keptCharacters || open.size === 1) break;
        forget(oldest);
      }
      return JSON.parse(line);
    },
  };
}

const keyOf = ({ type, id }: StreamId) => `${type.length}:${type}${id}`;

function inflated(bytes: Uint8Array): string | undefined {
  try {
    return inflateSync(bytes).toString();
  } catch {
    return undefined;
  }
}

function corrupt({ type, id }: StreamId, version: number) {
  return failure('STORE_CORRUPT', {
    expected: `the archive of version ${version} of ${type} ${id}`,
    found: 'none that can be read',
    remedy: 'Stop, copy the store away, then restore a backup.',
  });
}
