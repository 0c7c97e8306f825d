import { actorSuite } from '../../../src/testing/actor.suite.ts';
import { subscriptionSuite } from '../../../src/testing/subscription.suite.ts';
import { runSuite } from '../run-suite.ts';
import { subjects } from './mongodb.subjects.ts';

for (const subject of Object.values(subjects)) {
  runSuite(subscriptionSuite, subject);
  runSuite(actorSuite, subject);
}
