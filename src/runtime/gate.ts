/** Lets a bounded number of tasks run at once; the others wait their turn, first come first served. */
export interface Gate {
  run<T>(task: () => Promise<T>): Promise<T>;
}

export function createGate(atOnce: number): Gate {
  let running = 0;
  const queue: (() => void)[] = [];

  return {
    async run(task) {
      if (running >= atOnce) await new Promise<void>((enter) => queue.push(enter));
      else running += 1;
      try {
        return await task();
      } finally {
        const enter = queue.shift();
        // The place is handed on: nobody who comes meanwhile can take it.
        if (enter === undefined) running -= 1;
        else enter();
      }
    },
  };
}
