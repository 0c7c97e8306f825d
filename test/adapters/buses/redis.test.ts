import { serverAddress, unreachable } from '../../servers/environment.ts';
import { own, shared } from './redis.subject.ts';
import { runBusSuite } from './run-bus-suite.ts';

const address = serverAddress('TEST_REDIS_URL');
const absent = unreachable('redis', 'TEST_REDIS_URL');

runBusSuite(address === undefined ? absent : shared(address), address === undefined ? absent : own);
