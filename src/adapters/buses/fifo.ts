/** First in, first out, in constant time. */
export interface Fifo<Item> {
  put(item: Item): void;
  take(): Item | undefined;
  clear(): void;
}

export function createFifo<Item>(): Fifo<Item> {
  let items: Item[] = [];
  let first = 0;
  return {
    put(item) {
      items.push(item);
    },
    take() {
      const item = items[first];
      if (item === undefined) return undefined;
      first += 1;
      if (first * 2 > items.length) {
        items = items.slice(first);
        first = 0;
      }
      return item;
    },
    clear() {
      items = [];
      first = 0;
    },
  };
}
