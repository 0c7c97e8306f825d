import { setTimeout } from 'node:timers/promises';
import kafkajs, { type Admin } from 'kafkajs';

/** The bus' one topic, as it is on the cluster. */
export interface Topic {
  readonly name: string;
  /** A record batch, and so a message, is at most so large. */
  readonly maxMessageBytes: number;
}

export interface TopicOptions {
  readonly name: string;
  readonly partitions: number;
  readonly maxMessageBytes: number;
}

/** Finds the topic, or makes it with the cluster's own replication and retention. What is there already is left as it is. */
export async function ensureTopic(admin: Admin, options: TopicOptions): Promise<Topic> {
  const { name, partitions, maxMessageBytes } = options;
  if (await exists(admin, name)) return { name, maxMessageBytes: await limitOf(admin, name) };
  const made = await admin.createTopics({
    // kafkajs waits for the leaders, but takes a broker that has not heard of the topic yet for an error.
    waitForLeaders: false,
    topics: [
      {
        topic: name,
        numPartitions: partitions,
        replicationFactor: -1,
        configEntries: [{ name: limit, value: String(maxMessageBytes) }],
      },
    ],
  });
  await hasLeaders(admin, name);
  return { name, maxMessageBytes: made ? maxMessageBytes : await limitOf(admin, name) };
}

async function hasLeaders(admin: Admin, name: string): Promise<void> {
  for (let triesLeft = 50; ; triesLeft--) {
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: [name] });
      if (topics[0]?.partitions.every(({ leader }) => leader >= 0)) return;
      if (triesLeft === 0) throw new Error(`no leader for every partition of ${name}`);
    } catch (error) {
      if (triesLeft === 0) throw error;
    }
    await setTimeout(100);
  }
}

async function exists(admin: Admin, name: string): Promise<boolean> {
  return (await admin.listTopics()).includes(name);
}

async function limitOf(admin: Admin, name: string): Promise<number> {
  const { resources } = await admin.describeConfigs({
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name, configNames: [limit] }],
    includeSynonyms: false,
  });
  const value = resources[0]?.configEntries.find(({ configName }) => configName === limit)?.configValue;
  return Number(value ?? defaultLimit);
}

const limit = 'max.message.bytes';
const defaultLimit = 1_048_588;
