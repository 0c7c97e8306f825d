/** `statewright/testing`: what authors of adapters and aggregates prove their work with. No test runner inside. */
export * from './case.ts';
export { eventStoreSuite } from './event-store.suite.ts';
export {
  type StoreAdapter,
  type StoreCase,
  type StoreContext,
  type StoreFeature,
  storeSubject,
} from './store-subject.ts';
