import { decidingCases } from './actors/deciding.suite.ts';
import { livingCases } from './actors/living.suite.ts';
import { racingCases } from './actors/racing.suite.ts';
import type { Suite } from './case.ts';
import type { StoreContext, StoreFeature } from './store-subject.ts';

/** What aggregates in memory hold to on this store: answers, races, unknown outcomes, faults, passivation, draining. */
export const actorSuite: Suite<StoreContext, StoreFeature> = {
  name: 'actors',
  cases: [...decidingCases, ...racingCases, ...livingCases],
};
