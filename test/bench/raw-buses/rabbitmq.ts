import { connect } from 'amqplib';
import { toMessage } from '../../../src/adapters/buses/rabbitmq/messages.ts';
import { createTally, dataOf, type RawBus } from './load.ts';

/** One durable quorum queue: persistent messages, confirmed together, each acknowledged. */
export const rawRabbitmq: RawBus = async (address, events, carried) => {
  const messages = events.map((event) =>
    carried === 'data' ? { content: dataOf(event), options: { persistent: true } } : toMessage(event, 'raw'),
  );
  const connection = await connect(address);
  const writer = await connection.createConfirmChannel();
  const reader = await connection.createChannel();
  await writer.assertQueue('raw', { durable: true, arguments: { 'x-queue-type': 'quorum' } });
  await reader.prefetch(1_000);
  const tally = createTally();
  await reader.consume('raw', (message) => {
    if (message === null) return;
    reader.ack(message);
    tally.add(1);
  });
  return {
    async publish(from, to) {
      for (const { content, options } of messages.slice(from, to)) writer.sendToQueue('raw', content, options);
      await writer.waitForConfirms();
    },
    consume: tally.more,
    close: () => connection.close(),
  };
};
