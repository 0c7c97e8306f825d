import type { Suite } from './case.ts';
import type { StoreContext, StoreFeature } from './store-subject.ts';
import { appendCases } from './stores/append.suite.ts';
import { archiveCases } from './stores/archive.suite.ts';
import { batchCases } from './stores/batches.suite.ts';
import { claimCases } from './stores/claims.suite.ts';
import { commandIdCases } from './stores/command-ids.suite.ts';
import { expectedVersionCases } from './stores/expected-version.suite.ts';
import { judgingCases } from './stores/judging.suite.ts';
import { lifeCases } from './stores/life.suite.ts';
import { readAllCases } from './stores/read-all.suite.ts';
import { readStreamCases } from './stores/read-stream.suite.ts';
import { snapshotCases } from './stores/snapshots.suite.ts';
import { streamIdCases } from './stores/stream-ids.suite.ts';

/** What every event store holds to. */
export const eventStoreSuite: Suite<StoreContext, StoreFeature> = {
  name: 'event store',
  cases: [
    ...appendCases,
    ...expectedVersionCases,
    ...streamIdCases,
    ...commandIdCases,
    ...batchCases,
    ...claimCases,
    ...judgingCases,
    ...readStreamCases,
    ...readAllCases,
    ...snapshotCases,
    ...archiveCases,
    ...lifeCases,
  ],
};
