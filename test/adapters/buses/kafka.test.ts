import { serverAddress, unreachable } from '../../servers/environment.ts';
import { ownKafka, sharedKafka } from './kafka.subject.ts';
import { runBusSuite } from './run-bus-suite.ts';

const brokers = serverAddress('TEST_KAFKA_BROKERS');
const missing = unreachable('kafka', 'TEST_KAFKA_BROKERS');

runBusSuite(brokers === undefined ? missing : sharedKafka(brokers), brokers === undefined ? missing : ownKafka);
