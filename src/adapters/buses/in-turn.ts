/** Lets calls begin in their order: each when all of the one before is on its way. */
export interface Turns {
  /** @param work calls `sent` when it has handed over all that it sends; to settle says so too. */
  take<Result>(work: (sent: () => void) => Promise<Result>): Promise<Result>;
}

export function createTurns(): Turns {
  let last = Promise.resolve();
  return {
    async take(work) {
      const before = last;
      const { promise, resolve } = Promise.withResolvers<void>();
      last = promise;
      await before;
      try {
        return await work(resolve);
      } finally {
        resolve();
      }
    },
  };
}
