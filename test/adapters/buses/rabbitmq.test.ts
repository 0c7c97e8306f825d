import { serverAddress, unreachable } from '../../servers/environment.ts';
import { own, shared } from './rabbitmq.subject.ts';
import { runBusSuite } from './run-bus-suite.ts';

const address = serverAddress('TEST_RABBITMQ_URL');
const absent = unreachable('rabbitmq', 'TEST_RABBITMQ_URL');

runBusSuite(address === undefined ? absent : shared(address), address === undefined ? absent : own);
