import { openStore } from '../adapters/registry.ts';
import { loadConfig } from '../config.ts';
import type { Store } from '../ports/store.ts';

/** Opens the store that the environment names, alone, for one task; closes it whatever comes of it. */
export async function withStore<Result>(task: (store: Store) => Promise<Result>): Promise<Result> {
  const store = await openStore(loadConfig().store);
  return task(store).finally(() => store.close());
}
