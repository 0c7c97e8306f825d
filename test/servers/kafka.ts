import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { command } from './command.ts';
import { dataFolder } from './data-folder.ts';
import { freePort } from './free-port.ts';
import { jars } from './jars.ts';
import { type Server, startServer } from './server.ts';

/** What may differ from the defaults. */
export interface KafkaOptions {
  /** Further lines of server.properties, which win: `['message.max.bytes=1000']`. */
  readonly settings?: readonly string[];
}

/** One Kafka broker, its own controller (KRaft). The address is the list of its one broker, without a scheme. */
export async function startKafka({ settings = [] }: KafkaOptions = {}): Promise<Server> {
  const classes = join(await jars('kafka', new URL('kafka/pom.xml', import.meta.url)), '*');
  const [port, controller] = [await freePort(), await freePort()];
  const folder = dataFolder('kafka');
  const properties = join(folder.path, 'server.properties');
  const lines = [
    'process.roles=broker,controller',
    'node.id=1',
    `controller.quorum.bootstrap.servers=127.0.0.1:${controller}`,
    'controller.listener.names=CONTROLLER',
    `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
    `advertised.listeners=PLAINTEXT://127.0.0.1:${port}`,
    `log.dirs=${join(folder.path, 'data')}`,
    'offsets.topic.replication.factor=1',
    'offsets.topic.num.partitions=4',
    'transaction.state.log.replication.factor=1',
    'transaction.state.log.min.isr=1',
    'transaction.state.log.num.partitions=4',
    'group.initial.rebalance.delay.ms=0',
    ...settings,
  ];
  writeFileSync(properties, lines.join('\n'));
  const java = ['java', '-Xmx512m', '-XX:+UseG1GC', '-cp', classes] as const;
  const id = randomBytes(16).toString('base64url');
  await command([...java, 'kafka.tools.StorageTool', 'format', '--standalone', '-t', id, '-c', properties]);
  return startServer({
    name: 'kafka',
    url: `127.0.0.1:${port}`,
    port,
    folder,
    command: [...java, 'kafka.Kafka', properties],
    answers: () => brokerAnswers(port),
  });
}

/** After a `kill -9` the broker is refused its own place until its session has expired: it answers, without any broker. */
async function brokerAnswers(port: number): Promise<void> {
  const client = new Kafka({ brokers: [`127.0.0.1:${port}`], logLevel: logLevel.NOTHING, retry: { retries: 0 } });
  const admin = client.admin();
  try {
    await admin.connect();
    const { brokers } = await admin.describeCluster();
    if (brokers.length === 0) throw new Error('it knows no broker');
  } finally {
    await admin.disconnect();
  }
}
