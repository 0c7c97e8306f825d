import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to a server on loopback that can be cut in the middle of something. */
export interface CuttingProxy {
  /** The server's address, by this way. */
  readonly url: string;
  /** Ends every connection as soon as a client sends something more that holds `text`, which the server never sees. */
  cutBefore(text: string): void;
  /** Lets what holds `text` through, and ends every connection as soon as the server has answered it, which nobody sees. */
  cutAfter(text: string): void;
  /** Swallows everything, both ways, while connections stay open. */
  block(): void;
  unblock(): void;
  close(): Promise<void>;
}

type Mode = 'open' | 'blocked' | { readonly kind: 'before' | 'after'; readonly text: string; sent: boolean };

export async function startCuttingProxy(serverUrl: string): Promise<CuttingProxy> {
  const target = new URL(serverUrl);
  const sockets = new Set<Socket>();
  let mode: Mode = 'open';

  const cut = () => {
    mode = 'open';
    for (const socket of sockets) socket.destroy();
  };
  /** Gives what may pass. */
  const pass = (from: 'client' | 'server', data: Buffer, to: Socket) => {
    if (mode === 'blocked') return;
    if (mode !== 'open') {
      if (from === 'client' && data.includes(mode.text)) {
        if (mode.kind === 'before') return cut();
        mode.sent = true;
      } else if (from === 'server' && mode.sent) return cut();
    }
    to.write(data);
  };

  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const [socket, other, from] of [
      [client, upstream, 'client'],
      [upstream, client, 'server'],
    ] as const) {
      sockets.add(socket);
      socket.on('data', (data) => pass(from, data, other));
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(serverUrl);
  url.port = String((server.address() as AddressInfo).port);

  return {
    url: url.href,
    cutBefore(text) {
      mode = { kind: 'before', text, sent: false };
    },
    cutAfter(text) {
      mode = { kind: 'after', text, sent: false };
    },
    block() {
      mode = 'blocked';
    },
    unblock: cut,
    async close() {
      server.close();
      cut();
    },
  };
}
