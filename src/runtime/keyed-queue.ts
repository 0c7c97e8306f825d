import type { StreamId } from '../kernel/message.ts';

/** Runs the tasks of one key one after the other, those of different keys side by side. */
export interface KeyedQueue {
  run<Result>(key: string, task: () => Promise<Result>): Promise<Result>;
  /** Resolves when nothing runs or waits. */
  idle(): Promise<void>;
}

export function createKeyedQueue(): KeyedQueue {
  const tails = new Map<string, Promise<unknown>>();
  return {
    run(key, task) {
      const before = tails.get(key);
      const result = before === undefined ? task() : before.then(task, task);
      tails.set(key, result);
      const leave = () => {
        if (tails.get(key) === result) tails.delete(key);
      };
      result.then(leave, leave);
      return result;
    },
    async idle() {
      while (tails.size > 0) await Promise.allSettled(tails.values());
    },
  };
}

/** A stream as a map's key. A type has no space, so no two streams share one. */
export const streamKey = ({ type, id }: StreamId): string => `${type} ${id}`;
