import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * A loopback port that nobody listens on. It lies below the range that outgoing connections take theirs from: while the
 * server is down, a client that keeps connecting to a port of that range may be given that very port, and talk to itself.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(12_000, 32_000);
    const probe = createServer().listen(port, '127.0.0.1');
    try {
      await once(probe, 'listening');
      return port;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
    } finally {
      await new Promise((resolve) => probe.close(resolve));
    }
  }
}
