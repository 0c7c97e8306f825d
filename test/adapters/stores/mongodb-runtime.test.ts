import { actorSuite } from '../../../src/testing/actor.suite.ts';
import { subscriptionSuite } from '../../../src/testing/subscription.suite.ts';
import { runSuite } from '../run-suite.ts';
import { slow, subjects } from './mongodb.subjects.ts';

runSuite(subscriptionSuite, subjects.mongoJava);
runSuite(actorSuite, subjects.mongoJava);
runSuite(subscriptionSuite, subjects.ferretdb, { slow });
runSuite(actorSuite, subjects.ferretdb, { slow });
