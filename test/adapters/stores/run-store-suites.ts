import type { Subject } from '../../../src/testing/case.ts';
import { coordinationSuite } from '../../../src/testing/coordination.suite.ts';
import { eventStoreSuite } from '../../../src/testing/event-store.suite.ts';
import { readModelSuite } from '../../../src/testing/read-model.suite.ts';
import type { StoreContext, StoreFeature } from '../../../src/testing/store-subject.ts';
import { transferSuite } from '../../../src/testing/transfer.suite.ts';
import { runSuite, type SuiteOptions, type Unreachable } from '../run-suite.ts';

/** Every case that a store must pass. */
export function runStoreSuites(
  subject: Subject<StoreContext, StoreFeature> | Unreachable,
  options: SuiteOptions = {},
): void {
  for (const suite of [eventStoreSuite, coordinationSuite, readModelSuite, transferSuite])
    runSuite(suite, subject, options);
}
