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
  /** Of the user `ada`, who alone is let in, by SASL/PLAIN. Default: no authentication. */
  readonly password?: string;
}

/** One Kafka broker, its own controller (KRaft). The address is the list of its one broker, without a scheme. */
export async function startKafka({ settings = [], password }: KafkaOptions = {}): Promise<Server> {
  const classes = join(await jars('kafka', new URL('kafka/pom.xml', import.meta.url)), '*');
  const [port, controller] = [await freePort(), await freePort()];
  const folder = dataFolder('kafka');
  const properties = join(folder.path, 'server.properties');
  const lines = [
    'process.roles=broker,controller',
    'node.id=1',
    `controller.quorum.bootstrap.servers=127.0.0.1:${controller}`,
    'controller.listener.names=CONTROLLER',
    `listeners=CLIENT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
    `advertised.listeners=CLIENT://127.0.0.1:${port}`,
    'inter.broker.listener.name=CLIENT',
    ...authentication(password),
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
  // Not as random as may be: an id that begins with a dash is taken for an option.
  const id = `a${randomBytes(16).toString('base64url').slice(1)}`;
  await command([...java, 'kafka.tools.StorageTool', 'format', '--standalone', '-t', id, '-c', properties]);
  return startServer({
    name: 'kafka',
    url: `127.0.0.1:${port}`,
    port,
    folder,
    command: [...java, 'kafka.Kafka', properties],
    answers: () => brokerAnswers(port, password),
  });
}

/** After a `kill -9` the broker is refused its own place until its session has expired: it answers, without any broker. */
async function brokerAnswers(port: number, password: string | undefined): Promise<void> {
  const client = new Kafka({
    brokers: [`127.0.0.1:${port}`],
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
    ...(password === undefined ? {} : { sasl: { mechanism: 'plain', username: 'ada', password } }),
  });
  const admin = client.admin();
  try {
    await admin.connect();
    const { brokers } = await admin.describeCluster();
    if (brokers.length === 0) throw new Error('it knows no broker');
  } finally {
    await admin.disconnect();
  }
}

function authentication(password: string | undefined): readonly string[] {
  const protocols = (client: string) => `listener.security.protocol.map=CONTROLLER:PLAINTEXT,CLIENT:${client}`;
  if (password === undefined) return [protocols('PLAINTEXT')];
  const users = `username="ada" password="${password}" user_ada="${password}"`;
  return [
    protocols('SASL_PLAINTEXT'),
    'sasl.enabled.mechanisms=PLAIN',
    'sasl.mechanism.inter.broker.protocol=PLAIN',
    `listener.name.client.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required ${users};`,
  ];
}
