import { AckPolicy, connect } from 'nats';
import { createTally, payload, type RawBus } from './load.ts';

/** One stream on disk, one durable pull consumer: publishes awaited together, each message acknowledged. */
export const rawNats: RawBus = async (address) => {
  const connection = await connect({ servers: address });
  const manager = await connection.jetstreamManager();
  await manager.streams.add({ name: 'raw', subjects: ['raw'] });
  await manager.consumers.add('raw', { durable_name: 'group', ack_policy: AckPolicy.Explicit });
  const stream = connection.jetstream();
  const tally = createTally();
  const messages = await (await stream.consumers.get('raw', 'group')).consume({ max_messages: 1_000 });
  const reading = (async () => {
    for await (const message of messages) {
      message.ack();
      tally.add(1);
    }
  })();
  return {
    async publish(count) {
      await Promise.all(Array.from({ length: count }, () => stream.publish('raw', payload)));
    },
    consume: tally.more,
    async close() {
      await messages.close();
      await reading;
      await connection.close();
    },
  };
};
