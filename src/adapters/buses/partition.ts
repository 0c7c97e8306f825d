import type { StreamId } from '../../kernel/message.ts';

/** A stream as a map's key; the length keeps (`a`, `b/c`) and (`a/b`, `c`) apart. */
export function streamKey({ type, id }: StreamId): string {
  return `${type.length}/${type}/${id}`;
}

/** Which of so many partitions an aggregate's events go to: 0 … `partitions` - 1, the same in every process, for ever. */
export function partitionOf(stream: StreamId, partitions: number): number {
  return fnv1a(streamKey(stream)) % partitions;
}

/** FNV-1a of 32 bits over the text's UTF-8 (http://www.isthe.com/chongo/tech/comp/fnv), its bits mixed once more. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  // Its low bits alone, which a remainder looks at, spread ids that differ in one character badly.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
