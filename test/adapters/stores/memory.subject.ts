import { memoryStore } from '../../../src/adapters/stores/memory/memory.ts';
import { type StoreAdapter, storeSubject } from '../../../src/testing/store-subject.ts';

const adapter: StoreAdapter<undefined> = {
  name: 'memory',
  features: ['clocked'],
  newLocation: async () => undefined,
  open: (_, { clock }) => memoryStore({ clock }),
  destroy: async () => {},
};

/** The memory store, as the suites see it. */
export const subject = storeSubject(adapter);
