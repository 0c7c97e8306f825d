/** How far a partition was handled, though its events are done in any order. Offsets are the broker's. */
export interface Progress {
  /** The offset from which nothing was taken yet. */
  readonly next: number;
  /** Takes an offset, not below `next`. */
  take(offset: number): void;
  /** The event at this offset needs nothing more. */
  done(offset: number): void;
  /** Up to where all is done: the offset that a consumer after this one has to begin at. */
  handled(): number;
}

export function createProgress(start: number): Progress {
  // In the order they were taken; what is done is cut off at the front.
  let open: { readonly offset: number; done: boolean }[] = [];
  let first = 0;
  let next = start;
  const byOffset = new Map<number, { readonly offset: number; done: boolean }>();

  return {
    get next() {
      return next;
    },
    take(offset) {
      const entry = { offset, done: false };
      open.push(entry);
      byOffset.set(offset, entry);
      next = offset + 1;
    },
    done(offset) {
      const entry = byOffset.get(offset);
      if (entry === undefined) return;
      entry.done = true;
      byOffset.delete(offset);
      while (open[first]?.done) first += 1;
      if (first * 2 > open.length) {
        open = open.slice(first);
        first = 0;
      }
    },
    handled: () => open[first]?.offset ?? next,
  };
}
