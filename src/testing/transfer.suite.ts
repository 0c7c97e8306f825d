import type { Suite } from './case.ts';
import type { StoreContext, StoreFeature } from './store-subject.ts';
import { refusedPartCases } from './stores/refused-parts.suite.ts';
import { transferCases } from './stores/transfer.suite.ts';

/** What every store's way to another provider holds to; the memory store is the other end. */
export const transferSuite: Suite<StoreContext, StoreFeature> = {
  name: 'transfer',
  cases: [...transferCases, ...refusedPartCases],
};
