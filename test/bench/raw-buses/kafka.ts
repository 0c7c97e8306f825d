import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { toKafkaMessage } from '../../../src/adapters/buses/kafka/messages.ts';
import { createTally, dataOf, type RawBus } from './load.ts';

/** One partition: an idempotent producer that sends many at once, a group that commits what it took. */
export const rawKafka: RawBus = async (address, events, carried) => {
  const messages = events.map((event) =>
    carried === 'data' ? { value: dataOf(event) } : toKafkaMessage(event, 'raw').message,
  );
  const kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING });
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  const consumer = kafka.consumer({ groupId: 'raw' });
  const admin = kafka.admin();
  await Promise.all([admin.connect(), producer.connect(), consumer.connect()]);
  await admin.createTopics({ topics: [{ topic: 'raw', numPartitions: 1 }], waitForLeaders: true });
  await consumer.subscribe({ topic: 'raw', fromBeginning: true });
  const tally = createTally();
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: true,
    async eachBatch({ batch }) {
      const offset = String(Number(batch.lastOffset()) + 1);
      await consumer.commitOffsets([{ topic: batch.topic, partition: batch.partition, offset }]);
      tally.add(batch.messages.length);
    },
  });
  return {
    async publish(from, to) {
      await producer.send({ topic: 'raw', messages: messages.slice(from, to) });
    },
    consume: tally.more,
    async close() {
      await Promise.all([producer.disconnect(), consumer.disconnect(), admin.disconnect()]);
    },
  };
};
