/** One thing that is opened when it is first needed, and opened anew after it failed. */
export interface Renewable<Thing> {
  /** Rejects with what opening or using it rejected with; the next use opens another one. */
  use<Result>(work: (thing: Thing) => Promise<Result>): Promise<Result>;
  /** Ends it, if there is one; uses under way fail or not, as `end` makes them. */
  end(): Promise<void>;
}

/** @param end called once for each that was opened, also after opening failed halfway; must not reject. */
export function createRenewable<Thing>(
  create: () => Thing,
  open: (thing: Thing) => Promise<void>,
  end: (thing: Thing) => Promise<void>,
): Renewable<Thing> {
  let current: { readonly thing: Thing; readonly opened: Promise<void> } | undefined;

  return {
    async use(work) {
      if (current === undefined) {
        const thing = create();
        current = { thing, opened: open(thing) };
      }
      const used = current;
      try {
        await used.opened;
        return await work(used.thing);
      } catch (error) {
        if (current === used) {
          current = undefined;
          await end(used.thing);
        }
        throw error;
      }
    },
    async end() {
      const last = current;
      current = undefined;
      if (last !== undefined) await end(last.thing);
    },
  };
}
