import type { FastifyInstance } from 'fastify';
import { failure } from '../kernel/errors.ts';

/**
 * What `app.close()` does to whoever is connected: requests under way are finished, later ones on open connections are
 * told DRAINING and to close, and connections that are still open after `timeoutMs` are cut.
 */
export function drainOnClose(app: FastifyInstance, timeoutMs: number): void {
  let draining = false;
  app.addHook('preClose', async () => {
    draining = true;
    setTimeout(() => app.server.closeAllConnections(), timeoutMs).unref();
  });
  app.addHook('onRequest', async () => {
    if (draining) throw failure('DRAINING', { remedy: 'Send it again, over a new connection.' });
  });
  // Or the connection of a request under way would stay open, idle, until it is cut.
  app.addHook('onSend', async (_request, reply) => {
    if (draining) reply.header('connection', 'close');
  });
}
