import { actorSuite } from '../../../src/testing/actor.suite.ts';
import { subscriptionSuite } from '../../../src/testing/subscription.suite.ts';
import { runSuite } from '../run-suite.ts';
import { subject } from './postgresql.subject.ts';

runSuite(subscriptionSuite, subject);
runSuite(actorSuite, subject);
