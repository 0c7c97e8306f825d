/** `statewright/testing`: what authors of adapters and aggregates prove their work with. No test runner inside. */

export { actorSuite } from './actor.suite.ts';
export {
  type BrokerEnd,
  type BusAdapter,
  type BusCase,
  type BusContext,
  type BusFeature,
  busSubject,
} from './bus-subject.ts';
export * from './case.ts';
export { coordinationSuite } from './coordination.suite.ts';
export { eventBusSuite } from './event-bus.suite.ts';
export { eventStoreSuite } from './event-store.suite.ts';
export { type Given, given, type Outcome } from './given-when-then.ts';
export { aggregateLaws, type KitOptions, type Law } from './property-kit.ts';
export { readModelSuite } from './read-model.suite.ts';
export { type FastCheck, schemaArbitrary } from './schema-arbitrary.ts';
export { createSimulatedClock, type SimulatedClock } from './simulated-clock.ts';
export {
  type StoreAdapter,
  type StoreCase,
  type StoreContext,
  type StoreFeature,
  storeSubject,
} from './store-subject.ts';
export { subscriptionSuite } from './subscription.suite.ts';
export { transferSuite } from './transfer.suite.ts';
