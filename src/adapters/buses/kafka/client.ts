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

export function createKafkaClient(options: KafkaConnectionOptions & { readonly clientId: string }): KafkaClient {
  const sockets = new Set<Socket>();
  let cut = false;

  const socketFactory: NonNullable<KafkaConfig['socketFactory']> = ({ host, port, ssl, onConnect }) => {
    if (cut) throw new Error('the client was cut off');
    const socket = options.connect?.(host, port) ?? (ssl ? tls(host, port, ssl) : openSocket({ host, port }));
    socket.once(ssl && options.connect === undefined ? 'secureConnect' : 'connect', onConnect);
    socket.setKeepAlive(true, keepAliveAfterMs);
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    return socket;
  };

  const { ssl, sasl } = options;
  return {
    kafka: new Kafka({
      brokers: [...options.brokers],
      clientId: options.clientId,
      ...(ssl === undefined ? {} : { ssl }),
      ...(sasl === undefined ? {} : { sasl: sasl as NonNullable<KafkaConfig['sasl']> }),
      connectionTimeout: 3_000,
      requestTimeout: 10_000,
      retry: patience,
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

/** Six tries in about two seconds; they are nested in each other, so that a whole minute can pass. */
const patience = { initialRetryTime: 100, maxRetryTime: 1_000, retries: 5 };
const keepAliveAfterMs = 60_000;

function tls(host: string, port: number, options: ConnectionOptions): Socket {
  return openTlsSocket({ host, port, ...(isIP(host) === 0 && { servername: host }), ...options });
}
