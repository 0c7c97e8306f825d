import { subject } from './memory.subject.ts';
import { runStoreSuites } from './run-store-suites.ts';

runStoreSuites(subject);
