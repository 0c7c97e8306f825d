import { describeWithServer } from '../../servers/environment.ts';
import { adapter, subject } from './redis.subject.ts';
import { runCrashTests } from './run-crash-tests.ts';
import { runStoreSuites } from './run-store-suites.ts';

runStoreSuites(subject);
describeWithServer('TEST_REDIS_URL', 'redis', () => {
  runCrashTests(adapter, new URL('redis.subject.ts', import.meta.url).href);
});
