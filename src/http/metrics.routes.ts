import { Type } from 'typebox';
import type { Routes } from './routes.ts';

/** What tells its numbers as text: `prometheusTelemetry()`. */
export interface MetricsSource {
  readonly contentType: string;
  render(): Promise<string>;
}

/** `GET /metrics`, in the format that Prometheus scrapes. */
export function metricsRoutes(source: MetricsSource): Routes {
  return async (app) => {
    app.get(
      '/metrics',
      {
        schema: {
          summary: 'Counts and durations for Prometheus',
          tags: ['health'],
          response: { 200: { content: { 'text/plain': { schema: Type.String() } } } },
        },
      },
      async (_request, reply) => reply.type(source.contentType).send(await source.render()),
    );
  };
}
