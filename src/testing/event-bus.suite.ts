import type { BusContext, BusFeature } from './bus-subject.ts';
import { deliveryCases } from './buses/delivery.suite.ts';
import { failureCases } from './buses/failure.suite.ts';
import { groupCases } from './buses/groups.suite.ts';
import { lifeCases } from './buses/life.suite.ts';
import type { Suite } from './case.ts';

/** What every bus holds; the port `EventBus` in cases. */
export const eventBusSuite: Suite<BusContext, BusFeature> = {
  name: 'event bus',
  cases: [...deliveryCases, ...groupCases, ...failureCases, ...lifeCases],
};
