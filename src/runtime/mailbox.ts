/**
 * A bounded queue, first in first out. A class, since one is made each time an idle aggregate gets a command: methods are
 * shared where closures are not.
 */
export class Mailbox<T> {
  readonly #capacity: number;
  #items: T[] = [];
  #first = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#items.length - this.#first;
  }

  /** False, and nothing is taken, when it is full. */
  offer(item: T): boolean {
    if (this.size >= this.#capacity) return false;
    this.#items.push(item);
    return true;
  }

  peek(): T | undefined {
    return this.#items[this.#first];
  }

  take(): T | undefined {
    const item = this.#items[this.#first];
    if (item === undefined) return undefined;
    this.#first += 1;
    // Taken items are let go of many at a time: shifting an array by one costs its length.
    if (this.#first === this.#items.length || this.#first === compactAfter) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return item;
  }

  /** Puts items that were taken before back in front, in their order; beyond the capacity too, since they were in. */
  putBack(returned: readonly T[]): void {
    if (returned.length === 0) return;
    this.#items = [...returned, ...this.#items.slice(this.#first)];
    this.#first = 0;
  }

  /** Empties it. */
  takeAll(): readonly T[] {
    const all = this.#items.slice(this.#first);
    this.#items = [];
    this.#first = 0;
    return all;
  }
}

const compactAfter = 256;
