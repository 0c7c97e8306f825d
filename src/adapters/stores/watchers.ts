/** Who wants to know that events became visible. */
export interface Watchers {
  add(wake: () => void): () => void;
  /** Wakes everybody soon, once for all appends of this turn. */
  wake(): void;
}

export function createWatchers(): Watchers {
  const watching = new Set<{ readonly wake: () => void }>();
  let waking = false;
  const wakeAll = () => {
    waking = false;
    for (const { wake } of watching) wake();
  };
  return {
    add(wake) {
      const watcher = { wake };
      watching.add(watcher);
      return () => watching.delete(watcher);
    },
    wake() {
      if (waking || watching.size === 0) return;
      waking = true;
      setImmediate(wakeAll);
    },
  };
}
