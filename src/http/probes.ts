import fastify, { type FastifyInstance } from 'fastify';
import { systemClock } from '../kernel/clock.ts';
import { silentLogger, silentTelemetry } from '../ports/telemetry.ts';
import { drainOnClose } from './drain.ts';
import { answerErrors } from './errors.ts';
import { healthRoutes } from './health.routes.ts';
import { type MetricsSource, metricsRoutes } from './metrics.routes.ts';
import type { ServerOptions } from './server.ts';

/** Health and metrics alone, not listening yet: what a worker without a command API answers. */
export function createProbes(
  options: Pick<ServerOptions, 'processor' | 'version' | 'logger' | 'telemetry' | 'clock'>,
): FastifyInstance {
  const { processor, version, logger = silentLogger, telemetry = silentTelemetry, clock = systemClock } = options;
  const app = fastify({ return503OnClosing: false });
  app.setSerializerCompiler(() => JSON.stringify);
  answerErrors(app, logger);
  drainOnClose(app, 1_000);
  const { contentType, render } = telemetry as Partial<MetricsSource>;
  app.register(healthRoutes({ processor, clock, version }));
  if (contentType !== undefined && render !== undefined) app.register(metricsRoutes({ contentType, render }));
  return app;
}
