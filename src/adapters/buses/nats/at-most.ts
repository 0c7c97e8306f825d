/**
 * Runs so many tasks at a time, the others wait for their turn. A server that is asked for thousands of things at once
 * answers the last of them after its asker has given up.
 */
export function createAtMost(limit: number): <Result>(task: () => Promise<Result>) => Promise<Result> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (task) => {
    if (running < limit) running += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await task();
    } finally {
      // Whoever is next takes over our place.
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
