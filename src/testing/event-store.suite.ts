import type { Suite } from './case.ts';
import type { StoreContext, StoreFeature } from './store-subject.ts';
import { appendCases } from './stores/append.suite.ts';
import { commandIdCases } from './stores/command-ids.suite.ts';

/** What every event store holds to. */
export const eventStoreSuite: Suite<StoreContext, StoreFeature> = {
  name: 'event store',
  cases: [...appendCases, ...commandIdCases],
};
