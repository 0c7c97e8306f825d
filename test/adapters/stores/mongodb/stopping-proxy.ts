import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/**
 * A way to a MongoDB server by which a client stops before one of its writes, as a process does that is put to sleep, or
 * dies, there: from then on nothing of it reaches the server, and no answer reaches it.
 */
export interface StoppingProxy {
  /** The server's address, by this way. */
  readonly url: string;
  /** Stops before the n-th write from the start; resolves when it comes. */
  stopBefore(write: number): Promise<void>;
  /** How many writes came. */
  writes(): number;
  /** Lets everything go on, the write first that it stopped before. */
  goOn(): void;
  /** Ends every connection, for good. */
  die(): Promise<void>;
}

const writing = new Set(['insert', 'update', 'delete', 'drop', 'create', 'createIndexes']);

export async function startStoppingProxy(serverUrl: string): Promise<StoppingProxy> {
  const target = new URL(serverUrl);
  const sockets = new Set<Socket>();
  let held: (() => void)[] | undefined;
  let writes = 0;
  let stopAt = Number.POSITIVE_INFINITY;
  const stopped = Promise.withResolvers<void>();

  const pass = (send: () => void) => {
    if (held) held.push(send);
    else send();
  };

  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    eachMessage(client, (message) => {
      if (writing.has(commandOf(message))) {
        writes += 1;
        if (writes === stopAt) {
          held = [];
          stopped.resolve();
        }
      }
      pass(() => upstream.write(message));
    });
    upstream.on('data', (data) => pass(() => client.write(data)));
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => other.destroy());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(serverUrl);
  url.port = String((server.address() as AddressInfo).port);

  return {
    url: url.href,
    stopBefore(write) {
      stopAt = write;
      return stopped.promise;
    },
    writes: () => writes,
    goOn() {
      const sends = held ?? [];
      held = undefined;
      for (const send of sends) send();
    },
    async die() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Calls with each whole message: its first four bytes are its length. */
function eachMessage(socket: Socket, take: (message: Buffer) => void): void {
  let rest = Buffer.alloc(0);
  socket.on('data', (data) => {
    rest = Buffer.concat([rest, data]);
    while (rest.length >= 4 && rest.length >= rest.readInt32LE(0)) {
      const length = rest.readInt32LE(0);
      take(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
  });
}

/** The first key of the document in an OP_MSG: after header, flags, kind of section, length and type of the first value. */
function commandOf(message: Buffer): string {
  const isOpMsg = message.readInt32LE(12) === 2013;
  return isOpMsg ? message.toString('latin1', 26, message.indexOf(0, 26)) : '';
}
