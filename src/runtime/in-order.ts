/**
 * Does the task with each item, and yields the items in their order, each when its task is done. Up to `most()` tasks are
 * under way at once, begun in order. When one rejects, or the caller leaves, those behind it are waited for, and their
 * items are not yielded, whatever came of them.
 */
export async function* inOrder<Item>(
  items: AsyncIterable<Item>,
  task: (item: Item) => Promise<void>,
  most: () => number,
): AsyncGenerator<Item, void, undefined> {
  const underWay: { readonly item: Item; readonly done: Promise<void> }[] = [];
  async function* finished(fewer: number): AsyncGenerator<Item, void, undefined> {
    for (let first = underWay[0]; first !== undefined && underWay.length >= fewer; first = underWay[0]) {
      await first.done;
      underWay.shift();
      yield first.item;
    }
  }
  try {
    for await (const item of items) {
      const done = task(item);
      // Told in its turn: until then a rejection is nobody's, and must not end the process.
      done.catch(() => {});
      underWay.push({ item, done });
      yield* finished(most());
    }
    yield* finished(1);
  } finally {
    await Promise.allSettled(underWay.map(({ done }) => done));
  }
}
