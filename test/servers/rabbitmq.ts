import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataFolder } from './data-folder.ts';
import { freePort } from './free-port.ts';
import { says } from './says.ts';
import { type Server, startServer } from './server.ts';
import { userNamed } from './user.ts';

/** What may differ from the defaults. */
export interface RabbitmqOptions {
  /** Further lines of rabbitmq.conf: `['consumer_timeout = 10000']`. */
  readonly settings?: readonly string[];
}

/** RabbitMQ, with guest:guest as its user. Its name server, epmd, is a child of its own, on a port of its own. */
export async function startRabbitmq({ settings = [] }: RabbitmqOptions = {}): Promise<Server> {
  const user = userNamed('rabbitmq');
  const folder = dataFolder('rabbitmq', { user });
  const [port, names, distribution] = [await freePort(), await freePort(), await freePort()];
  const file = (name: string, lines: readonly string[]) => {
    writeFileSync(join(folder.path, name), lines.map((line) => `${line}\n`).join(''));
    return join(folder.path, name);
  };
  return startServer({
    name: 'rabbitmq',
    url: `amqp://guest:guest@127.0.0.1:${port}`,
    port,
    folder,
    user,
    // The server takes over the shell's process, and epmd ends with it. Else it would start an epmd that outlives it.
    command: ['sh', '-c', `${epmd(names)} & exec /usr/lib/rabbitmq/bin/rabbitmq-server`],
    environment: {
      HOME: folder.path,
      RABBITMQ_NODENAME: `statewright${port}@localhost`,
      RABBITMQ_MNESIA_BASE: join(folder.path, 'mnesia'),
      RABBITMQ_LOG_BASE: join(folder.path, 'log'),
      RABBITMQ_CONFIG_FILE: file('rabbitmq.conf', [`listeners.tcp.default = 127.0.0.1:${port}`, ...settings]),
      RABBITMQ_ENABLED_PLUGINS_FILE: file('plugins', ['[].']),
      RABBITMQ_DIST_PORT: String(distribution),
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
      // Without these its start script stays in between, as the parent of the server, and takes the signals.
      RABBITMQ_ALLOW_INPUT: 'true',
      RABBITMQ_SERVER_START_ARGS: '-noshell -noinput',
      ERL_EPMD_PORT: String(names),
      ERL_EPMD_ADDRESS: '127.0.0.1',
    },
    // AMQP's greeting is answered by Connection.Start, which names the product.
    answers: () => says(port, 'AMQP\u0000\u0000\u0009\u0001', /RabbitMQ/),
  });
}

function epmd(port: number): string {
  return `setpriv --pdeathsig KILL epmd -address 127.0.0.1 -port ${port}`;
}
