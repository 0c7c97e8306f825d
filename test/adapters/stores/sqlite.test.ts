import { runCrashTests } from './run-crash-tests.ts';
import { runStoreSuites } from './run-store-suites.ts';
import { adapter, subject } from './sqlite.subject.ts';

runStoreSuites(subject);
runCrashTests(adapter, new URL('sqlite.subject.ts', import.meta.url).href);
