import { isIP, connect as openSocket, type Socket } from 'node:net';
import { type ConnectionOptions, connect as openTlsSocket } from 'node:tls';
import { Kafka, type KafkaConfig, logLevel } from 'kafkajs';

/** How the cluster is reached; all but the brokers optional. */
export interface KafkaConnectionOptions {
  /** Each `host:port`; the others are learnt from those that answer. */
  readonly brokers: readonly string[];
  /** True, or what Node's TLS takes. Default: no TLS. */
  readonly ssl?: boolean | ConnectionOptions;
  readonly sasl?: KafkaCredentials;
  /** What the brokers log. Default the namespace. */
  readonly clientId?: string;
  /** Opens a connection, when a proxy or a tunnel is in the way. Default: by TCP, or TLS. */
  readonly connect?: (host: string, port: number) => Socket;
}

export interface KafkaCredentials {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  readonly password: string;
}

/** A client of its own, whose connections can be ended at any time: kafkajs itself waits for answers, and tries again. */
export interface KafkaClient {
  readonly kafka: Kafka;
  /** Ends every connection at once, and lets none begin. Nothing of what was asked happens after it. */
  cutOff(): void;
}

/**
 * @param patience `brief`: for who reports a failure, gives up after about two seconds; `lasting`: for who waits for the
 * brokers to come back, after half a minute, longer than one needs for a restart.
 */
export function createKafkaClient(
  options: KafkaConnectionOptions & { readonly clientId: string },
  patience: 'brief' | 'lasting',
): KafkaClient {
  const { clientId, ssl, sasl } = options;
  const sockets = new Set<Socket>();
  let cut = false;

  const socketFactory: NonNullable<KafkaConfig['socketFactory']> = ({ host, port, ssl, onConnect }) => {
    if (cut) throw new Error('the client was cut off');
    const socket = options.connect?.(host, port) ?? (ssl ? tls(host, port, ssl) : openSocket({ host, port }));
    socket.once(ssl && options.connect === undefined ? 'secureConnect' : 'connect', onConnect);
    socket.setKeepAlive(true, keepAliveAfterMs);
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // While it authenticates, kafkajs listens for the end alone.
    if (patience === 'lasting' && sasl === undefined) process.nextTick(failAtEnd, socket);
    return socket;
  };

  return {
    kafka: new Kafka({
      // None: that ends kafkajs' tries at once.
      brokers: () => (cut ? [] : [...options.brokers]),
      clientId,
      ...(ssl === undefined ? {} : { ssl }),
      ...(sasl === undefined ? {} : { sasl: sasl as NonNullable<KafkaConfig['sasl']> }),
      connectionTimeout: 3_000,
      requestTimeout: 10_000,
      retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: patience === 'lasting' ? lastingRetries : 5 },
      socketFactory,
      logLevel: logLevel.NOTHING,
    }),
    cutOff() {
      cut = true;
      // kafkajs hears of an error, not of a mere close.
      for (const socket of sockets) socket.destroy(new Error('the client was cut off'));
    },
  };
}

/**
 * A broker that ends a connection is going down. kafkajs' consumer takes it off its list, finds the list empty when it was
 * the only one, and forgets that it is a member of its group; the group would wait for that member's session to expire.
 * Of a connection that failed it keeps the broker, and tries again.
 */
function failAtEnd(socket: Socket): void {
  socket.removeAllListeners('end');
  socket.once('end', () => socket.destroy(new Error('the broker ended the connection')));
}

const lastingRetries = 30;
const keepAliveAfterMs = 60_000;

function tls(host: string, port: number, options: ConnectionOptions): Socket {
  return openTlsSocket({ host, port, ...(isIP(host) === 0 && { servername: host }), ...options });
}
