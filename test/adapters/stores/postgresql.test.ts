import { serverAddress } from '../../servers/environment.ts';
import { adapter, subject } from './postgresql.subject.ts';
import { runCrashTests } from './run-crash-tests.ts';
import { runStoreSuites } from './run-store-suites.ts';

runStoreSuites(subject);
if (serverAddress('TEST_POSTGRESQL_URL') !== undefined) {
  runCrashTests(adapter, new URL('postgresql.subject.ts', import.meta.url).href);
}
