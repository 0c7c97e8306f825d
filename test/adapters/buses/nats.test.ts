import { serverAddress, unreachable } from '../../servers/environment.ts';
import { ownNats, sharedNats } from './nats.subject.ts';
import { runBusSuite } from './run-bus-suite.ts';

const url = serverAddress('TEST_NATS_URL');

runBusSuite(
  url === undefined ? unreachable('nats', 'TEST_NATS_URL') : sharedNats(url),
  url === undefined ? unreachable('nats', 'TEST_NATS_URL') : ownNats,
);
