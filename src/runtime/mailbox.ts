/** A bounded queue, first in first out. An empty one holds no array: most mailboxes are empty most of the time. */
export interface Mailbox<T> {
  readonly size: number;
  /** False, and nothing is taken, when it is full. */
  offer(item: T): boolean;
  peek(): T | undefined;
  take(): T | undefined;
  /** Puts items that were taken before back in front, in their order; beyond the capacity too, since they were in. */
  putBack(items: readonly T[]): void;
  /** Empties it. */
  takeAll(): readonly T[];
}

export function createMailbox<T>(capacity: number): Mailbox<T> {
  let items: T[] = none;
  let first = 0;

  const take = (): T | undefined => {
    const item = items[first];
    if (item === undefined) return undefined;
    first += 1;
    if (first === items.length) {
      items = none;
      first = 0;
    } else if (first === compactAfter) {
      items = items.slice(first);
      first = 0;
    }
    return item;
  };

  return {
    get size() {
      return items.length - first;
    },
    offer(item) {
      if (items.length - first >= capacity) return false;
      if (items === none) items = [item];
      else items.push(item);
      return true;
    },
    peek: () => items[first],
    take,
    putBack(returned) {
      if (returned.length === 0) return;
      items = [...returned, ...items.slice(first)];
      first = 0;
    },
    takeAll() {
      const all = items.slice(first);
      items = none;
      first = 0;
      return all;
    },
  };
}

const none: never[] = [];
/** Taken items are let go of this many at a time: shifting an array by one costs its length. */
const compactAfter = 256;
