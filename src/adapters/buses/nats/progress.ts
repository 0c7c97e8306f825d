/** How far a group got in a partition of the stream, by the stream's own sequence. */
export interface Progress {
  /** Everything up to here is handled. */
  readonly floor: number;
  /** What is handled above the floor, ascending. */
  handled(): readonly number[];
  /** Whether it is new. What is `held` was taken before and is not handled yet: the server gave it twice. */
  take(sequence: number): 'new' | 'held' | 'handled';
  /** What was taken is handled now. */
  finish(sequence: number): void;
}

/** @param handled of an owner before, above the floor. */
export function createProgress(floor: number, handled: readonly number[] = []): Progress {
  const finished = new Set(handled.filter((sequence) => sequence > floor));
  // Ascending: what the server gives twice is not new the second time.
  let taken: number[] = [];
  let first = 0;
  let last = floor;
  let reached = floor;

  function advance(): void {
    for (let next = taken[first]; next !== undefined && finished.delete(next); next = taken[first]) {
      reached = next;
      first += 1;
    }
    if (first * 2 > taken.length) {
      taken = taken.slice(first);
      first = 0;
    }
  }

  return {
    get floor() {
      return reached;
    },
    handled: () => [...finished].toSorted((one, other) => one - other),
    take(sequence) {
      if (sequence <= last) return sequence <= reached || finished.has(sequence) ? 'handled' : 'held';
      last = sequence;
      taken.push(sequence);
      if (!finished.has(sequence)) return 'new';
      advance();
      return 'handled';
    },
    finish(sequence) {
      if (sequence <= reached) return;
      finished.add(sequence);
      advance();
    },
  };
}
