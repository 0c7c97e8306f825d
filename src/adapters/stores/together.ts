import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Makes a function of one from one of many: calls that come in the same turn of the event loop go out together.
 * @param work gives a result for each item, in their order; when it fails, all these calls do.
 */
export function together<Item, Result>(work: (items: readonly Item[]) => Promise<readonly Result[]>) {
  let waiting: Item[] = [];
  let started: Promise<readonly Result[]> | undefined;
  return async (item: Item): Promise<Result> => {
    const place = waiting.push(item) - 1;
    started ??= nextTurn().then(() => {
      const items = waiting;
      waiting = [];
      started = undefined;
      return work(items);
    });
    return (await started)[place] as Result;
  };
}
