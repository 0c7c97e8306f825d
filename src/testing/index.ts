/** `statewright/testing`: what authors of adapters and aggregates prove their work with. No test runner inside. */
export * from './case.ts';
export { coordinationSuite } from './coordination.suite.ts';
export { eventStoreSuite } from './event-store.suite.ts';
export { readModelSuite } from './read-model.suite.ts';
export {
  type StoreAdapter,
  type StoreCase,
  type StoreContext,
  type StoreFeature,
  storeSubject,
} from './store-subject.ts';
