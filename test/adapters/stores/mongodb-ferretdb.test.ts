import { slow, subjects } from './mongodb.subjects.ts';
import { runStoreSuites } from './run-store-suites.ts';

runStoreSuites(subjects.ferretdb, { slow });
