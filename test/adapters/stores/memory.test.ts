import { eventStoreSuite } from '../../../src/testing/event-store.suite.ts';
import { runSuite } from '../run-suite.ts';
import { subject } from './memory.subject.ts';

runSuite(eventStoreSuite, subject);
