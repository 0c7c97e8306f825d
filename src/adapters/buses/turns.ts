import { behindFailed } from './bus-errors.ts';

/** Lets calls begin in their order: each when all of the one before is on its way. */
export interface Turns {
  /**
   * @param work calls `sent` when it has handed over all that it sends; it must settle, sooner or later. When it rejects
   * before that, the calls that wait fail as well, so that nothing goes out ahead of what comes again.
   */
  take<Result>(work: (sent: () => void) => Promise<Result>): Promise<Result>;
}

export function createTurns(): Turns {
  let last = Promise.resolve();
  return {
    async take(work) {
      const before = last;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      promise.catch(() => {});
      last = promise;
      try {
        await before;
        const result = await work(resolve);
        resolve();
        return result;
      } catch (error) {
        reject(behindFailed(error));
        if (last === promise) last = Promise.resolve();
        throw error;
      }
    },
  };
}
