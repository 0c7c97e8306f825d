import { connect } from 'amqplib';
import { createTally, payload, type RawBus } from './load.ts';

/** One durable quorum queue: persistent messages, confirmed together, each acknowledged. */
export const rawRabbitmq: RawBus = async (address) => {
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
    async publish(count) {
      for (let n = 0; n < count; n += 1) writer.sendToQueue('raw', payload, { persistent: true });
      await writer.waitForConfirms();
    },
    consume: tally.more,
    close: () => connection.close(),
  };
};
