import { actorSuite } from '../../src/testing/actor.suite.ts';
import { runSuite } from '../adapters/run-suite.ts';
import { subject as memory } from '../adapters/stores/memory.subject.ts';
import { subject as sqlite } from '../adapters/stores/sqlite.subject.ts';

for (const subject of [memory, sqlite]) runSuite(actorSuite, subject);
