import { runStranger } from './run-stranger.ts';

runStranger({ bus: 'rabbitmq', program: 'amqp-consume' });
