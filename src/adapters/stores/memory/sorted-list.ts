/** Items in ascending order of their keys, each key once. Every operation costs about the same at a million as at ten. */
export interface SortedList<Key, Item extends Key> {
  /** Puts the item in its place, instead of the one with an equal key. */
  insert(item: Item): void;
  delete(key: Key): void;
  find(key: Key): Item | undefined;
  size(): number;
  all(): IteratorObject<Item>;
  /** The items greater than the key. Not to be continued after the list changed. */
  after(key: Key): IteratorObject<Item>;
}

/** Splits in halves above this; small enough that a splice is a short copy. */
const maxChunk = 512;

/**
 * Sorted chunks in a sorted array: a two-level B-tree. Appending at the end, the usual case, moves nothing.
 * @param compare negative, zero or positive, as for `sort`.
 */
export function createSortedList<Key, Item extends Key>(compare: (a: Key, b: Key) => number): SortedList<Key, Item> {
  const chunks: Item[][] = [];
  let count = 0;

  /** The first chunk whose last item is not below the key; `chunks.length` when all are. */
  const chunkFor = (key: Key) =>
    lowerBound(chunks.length, (at) => {
      const last = chunks[at]?.at(-1);
      return last !== undefined && compare(last, key) < 0;
    });

  const placeIn = (chunk: readonly Item[], key: Key) =>
    lowerBound(chunk.length, (at) => {
      const item = chunk[at];
      return item !== undefined && compare(item, key) < 0;
    });

  const isAt = (chunk: readonly Item[], place: number, key: Key) => {
    const item = chunk[place];
    return item !== undefined && compare(item, key) === 0;
  };

  function* from(chunkAt: number, place: number): Generator<Item> {
    for (let at = chunkAt; at < chunks.length; at += 1) {
      const chunk = chunks[at] ?? [];
      for (let index = at === chunkAt ? place : 0; index < chunk.length; index += 1) {
        const item = chunk[index];
        if (item !== undefined) yield item;
      }
    }
  }

  return {
    insert(item) {
      const chunkAt = Math.min(chunkFor(item), Math.max(chunks.length - 1, 0));
      const chunk = chunks[chunkAt];
      if (!chunk) {
        chunks.push([item]);
        count = 1;
        return;
      }
      const place = placeIn(chunk, item);
      if (isAt(chunk, place, item)) {
        chunk[place] = item;
        return;
      }
      count += 1;
      if (place === chunk.length) chunk.push(item);
      else chunk.splice(place, 0, item);
      if (chunk.length <= maxChunk) return;
      // What ascends fills the chunk before it: at the end, only the newcomer moves on.
      const isLast = chunkAt === chunks.length - 1 && place === chunk.length - 1;
      chunks.splice(chunkAt + 1, 0, chunk.splice(isLast ? place : maxChunk / 2));
    },

    delete(key) {
      const chunkAt = chunkFor(key);
      const chunk = chunks[chunkAt];
      if (!chunk) return;
      const place = placeIn(chunk, key);
      if (!isAt(chunk, place, key)) return;
      count -= 1;
      chunk.splice(place, 1);
      if (chunk.length === 0) chunks.splice(chunkAt, 1);
    },

    find(key) {
      const chunk = chunks[chunkFor(key)] ?? [];
      const place = placeIn(chunk, key);
      return isAt(chunk, place, key) ? chunk[place] : undefined;
    },

    size: () => count,

    all: () => from(0, 0),

    after(key) {
      const chunkAt = chunkFor(key);
      const chunk = chunks[chunkAt] ?? [];
      const place = placeIn(chunk, key);
      return from(chunkAt, isAt(chunk, place, key) ? place + 1 : place);
    },
  };
}

/** How many of `length` places, from the first, are below. */
function lowerBound(length: number, isBelow: (at: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBelow(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
