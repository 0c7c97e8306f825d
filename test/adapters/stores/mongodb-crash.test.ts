import { describeWithServer } from '../../servers/environment.ts';
import { adapter } from './mongodb.subjects.ts';
import { runCrashTests } from './run-crash-tests.ts';

describeWithServer('TEST_FERRETDB_URL', 'mongodb', () => {
  runCrashTests(adapter, new URL('mongodb.subjects.ts', import.meta.url).href);
});
