import type { Suite } from './case.ts';
import type { StoreContext, StoreFeature } from './store-subject.ts';
import { checkpointCases } from './stores/checkpoints.suite.ts';
import { cursorCases } from './stores/cursors.suite.ts';
import { leaseCases } from './stores/leases.suite.ts';

/** What every store's checkpoints, cursors and leases hold to. */
export const coordinationSuite: Suite<StoreContext, StoreFeature> = {
  name: 'coordination',
  cases: [...checkpointCases, ...cursorCases, ...leaseCases],
};
