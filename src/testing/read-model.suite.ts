import type { Suite } from './case.ts';
import type { StoreContext, StoreFeature } from './store-subject.ts';
import { generationCases } from './stores/generations.suite.ts';
import { pageCases } from './stores/pages.suite.ts';
import { rowCases } from './stores/rows.suite.ts';
import { searchCases } from './stores/search.suite.ts';
import { totalsCases } from './stores/totals.suite.ts';

/** What every store's read models hold to. */
export const readModelSuite: Suite<StoreContext, StoreFeature> = {
  name: 'read models',
  cases: [...rowCases, ...pageCases, ...totalsCases, ...searchCases, ...generationCases],
};
