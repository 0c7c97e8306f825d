import { AckPolicy, connect } from 'nats';
import { encodeMessage } from '../../../src/adapters/buses/nats/message.ts';
import { createTally, dataOf, type RawBus } from './load.ts';

/** One stream on disk, one durable pull consumer: publishes awaited together, each message acknowledged. */
export const rawNats: RawBus = async (address, events, carried) => {
  const encoded = events.map((event) =>
    carried === 'data' ? { data: dataOf(event) } : encodeMessage(event, 'raw', 2 ** 20),
  );
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
    async publish(from, to) {
      await Promise.all(
        encoded
          .slice(from, to)
          .map(({ data, ...options }) =>
            stream.publish('raw', data, 'headers' in options ? { headers: options.headers } : {}),
          ),
      );
    },
    consume: tally.more,
    async close() {
      await messages.close();
      await reading;
      await connection.close();
    },
  };
};
