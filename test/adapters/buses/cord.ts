import { once } from 'node:events';
import { type AddressInfo, createServer, connect as open, type Socket } from 'node:net';

/** A way to a server over a port of its own, which can be cut: what a killed process looks like from the broker. */
export interface Cord {
  readonly port: number;
  /** Ends every connection without a farewell, and lets none in any more. */
  cut(): void;
}

/** Lays a cord to the server at `host:port`. It does not keep the process alive. */
export async function layCord(host: string, port: number): Promise<Cord> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = open({ host, port });
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.unref();
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  server.unref();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      server.close();
      for (const socket of sockets) socket.resetAndDestroy();
    },
  };
}
