import { describeWithServer } from '../../servers/environment.ts';
import { adapter, subject } from './postgresql.subject.ts';
import { runCrashTests } from './run-crash-tests.ts';
import { runStoreSuites } from './run-store-suites.ts';

runStoreSuites(subject);
describeWithServer('TEST_POSTGRESQL_URL', 'postgresql', () => {
  runCrashTests(adapter, new URL('postgresql.subject.ts', import.meta.url).href);
});
