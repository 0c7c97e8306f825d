import type { FastifyInstance } from 'fastify';
import type { Logger, Telemetry } from '../ports/telemetry.ts';
import { pathOf } from './send-command.ts';

/** One line and one duration per request. Neither query, headers nor body are written: they may hold secrets. */
export function logAccess(app: FastifyInstance, logger: Logger, telemetry: Telemetry): void {
  app.addHook('onResponse', async (request, reply) => {
    const { method, id: requestId, principal } = request;
    // The pattern, not the path: labels and searches want few values.
    const route = request.routeOptions.url ?? 'none';
    const { statusCode: status } = reply;
    const durationMs = Math.round(reply.elapsedTime * 10) / 10;
    telemetry.observeMs('http.request', reply.elapsedTime, { method, route, status: String(status) });
    const userId = principal === undefined ? {} : { userId: principal.id };
    logger.info({ requestId, method, path: pathOf(request), route, status, durationMs, ...userId }, 'request');
  });
}
