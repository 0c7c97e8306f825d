import type { Suite } from './case.ts';
import type { StoreContext, StoreFeature } from './store-subject.ts';
import { deathCases } from './subscriptions/deaths.suite.ts';
import { groupedCases } from './subscriptions/grouped.suite.ts';
import { orderedCases } from './subscriptions/ordered.suite.ts';
import { parkingCases } from './subscriptions/parking.suite.ts';
import { raceCases } from './subscriptions/races.suite.ts';
import { stoppingCases } from './subscriptions/stopping.suite.ts';

/** What projections and grouped subscriptions hold to on this store, with workers that die and buses that lose. */
export const subscriptionSuite: Suite<StoreContext, StoreFeature> = {
  name: 'subscriptions',
  cases: [...orderedCases, ...groupedCases, ...parkingCases, ...raceCases, ...stoppingCases, ...deathCases],
};
