import { randomUUID } from 'node:crypto';
import { type Clock, systemClock } from '../kernel/clock.ts';
import type { StreamId } from '../kernel/message.ts';
import type { Store } from '../ports/store.ts';
import type { Case, Subject } from './case.ts';

/**
 * `durable`: survives `close`, and the process. `shared`: several instances at once on the same data. `clocked`: takes
 * its time from the clock it is given.
 */
export type StoreFeature = 'durable' | 'shared' | 'clocked';

/** What the author of a store supplies to run the suites. */
export interface StoreAdapter<Location> {
  /** Such as `sqlite`. */
  readonly name: string;
  readonly features: readonly StoreFeature[];
  /** An empty place that nobody else uses: a directory, a schema, a database, a key prefix. */
  newLocation(): Promise<Location>;
  /** Opens the store there; what another instance left there is found when the store is durable. */
  open(location: Location, options: { readonly clock: Clock }): Promise<Store> | Store;
  /** Removes it; every instance is closed by then. */
  destroy(location: Location): Promise<void>;
}

/** What a case gets to work with. */
export interface StoreContext {
  readonly store: Store;
  readonly features: readonly StoreFeature[];
  /** The wall clock of every instance here; a case that sets `offsetMs` is `alone`. */
  readonly wall: { offsetMs: number };
  /** Another instance on the same data when the store is shared, else the same instance. */
  second(): Promise<Store>;
  /** Closes `store`, then opens the same data again. For `durable` stores, in cases that are `alone`. */
  reopen(): Promise<Store>;
  /** A stream that nobody else uses. */
  stream(type?: string): StreamId;
  /** A name that nobody else uses: of a claim, a lease, a subscription, a read model. */
  name(prefix: string): string;
}

/** A case for stores. */
export type StoreCase = Case<StoreContext, StoreFeature>;

/** The adapter as the suites' subject. */
export function storeSubject<Location>(adapter: StoreAdapter<Location>): Subject<StoreContext, StoreFeature> {
  return {
    name: adapter.name,
    features: adapter.features,
    async place() {
      const location = await adapter.newLocation();
      const wall = { offsetMs: 0 };
      const clock: Clock = { ...systemClock, now: () => systemClock.now() + wall.offsetMs };
      const opened: Store[] = [];
      const open = async () => {
        const store = await adapter.open(location, { clock });
        opened.push(store);
        return store;
      };
      const store = await open();
      return {
        context: () => ({
          store,
          features: adapter.features,
          wall,
          second: async () => (adapter.features.includes('shared') ? open() : store),
          async reopen() {
            await store.close();
            return open();
          },
          stream: (type = 'Account') => ({ type, id: randomUUID() }),
          name: (prefix) => `${prefix}-${randomUUID()}`,
        }),
        async dispose() {
          for (const one of opened) await one.close();
          await adapter.destroy(location);
        },
      };
    },
  };
}
