import { randomUUID } from 'node:crypto';
import swagger from '@fastify/swagger';
import fastify, { type FastifyInstance } from 'fastify';
import { type Clock, systemClock } from '../kernel/clock.ts';
import { type Logger, silentLogger, silentTelemetry, type Telemetry } from '../ports/telemetry.ts';
import type { Processor } from '../runtime/processor.ts';
import { logAccess } from './access-log.ts';
import { aggregatesRoutes } from './aggregates.routes.ts';
import { type Authenticate, authenticated } from './auth.ts';
import { commandsRoutes } from './commands.routes.ts';
import { deadLettersRoutes } from './dead-letters.routes.ts';
import { drainOnClose } from './drain.ts';
import { answerClientError, answerErrors, errorReply } from './errors.ts';
import { defaultEventStreamSettings, type EventStreamSettings } from './event-stream.ts';
import { eventsRoutes } from './events.routes.ts';
import { healthRoutes } from './health.routes.ts';
import { acceptJson } from './json-body.ts';
import { machinesRoutes } from './machines.routes.ts';
import { watchMethods } from './method-not-allowed.ts';
import { type MetricsSource, metricsRoutes } from './metrics.routes.ts';
import { openApiRoutes } from './openapi.routes.ts';
import { projectionsRoutes } from './projections.routes.ts';
import { replayRoutes } from './replay.routes.ts';
import type { Routes } from './routes.ts';
import { validatorCompiler } from './validation.ts';

export interface ServerOptions {
  readonly processor: Processor;
  /** The application's version, as /health and /openapi.json tell it. */
  readonly version: string;
  /** The application's own routes. */
  readonly routes?: readonly Routes[];
  readonly logger?: Logger;
  /** With `prometheusTelemetry()` there is a /metrics. */
  readonly telemetry?: Telemetry & Partial<MetricsSource>;
  readonly clock?: Clock;
  /** Who asks. Default: nobody in particular, who may do everything but set `occurredAt`. */
  readonly authenticate?: Authenticate;
  /** The largest body. Default 1 MiB. */
  readonly bodyLimitBytes?: number;
  /** How long a command may take before it is answered COMMAND_TIMED_OUT. Default 30 s. */
  readonly commandTimeoutMs?: number;
  /** How long a request may take to arrive. Default 30 s. */
  readonly requestTimeoutMs?: number;
  /** How long a read waits for `waitFor`. Default 5 s. */
  readonly waitForMs?: number;
  /** How long `close()` lets requests under way go on. Default 10 s. */
  readonly drainTimeoutMs?: number;
  readonly stream?: Partial<EventStreamSettings>;
}

/**
 * The HTTP API of a processor, not listening yet. `close()` stops accepting, ends the event streams and waits for the
 * requests under way: `processor.onDrain(() => app.close())` does it before the processor drains.
 */
export function createServer(options: ServerOptions): FastifyInstance {
  const { processor, version, logger = silentLogger, telemetry = silentTelemetry, clock = systemClock } = options;
  const { requestTimeoutMs = 30_000, waitForMs = 5_000 } = options;
  const app = fastify({
    bodyLimit: options.bodyLimitBytes ?? 1_048_576,
    requestTimeout: requestTimeoutMs,
    http: {
      requestTimeout: requestTimeoutMs,
      // Node takes the larger of the two for the whole request.
      headersTimeout: requestTimeoutMs,
      connectionsCheckingInterval: Math.min(requestTimeoutMs, 10_000),
    },
    // An id of 512 bytes, percent-encoded.
    routerOptions: { maxParamLength: 2_048 },
    return503OnClosing: false,
    genReqId: ({ headers }) => requestId(headers['x-request-id']),
    frameworkErrors: (error, request, reply) => {
      errorReply(error, request, reply, logger);
    },
    clientErrorHandler: answerClientError,
  });
  app.setValidatorCompiler(validatorCompiler);
  // Answers are built field by field; a serializer made from the schema could only drop or bend something.
  app.setSerializerCompiler(() => JSON.stringify);
  app.decorate('commandTarget', { processor, timeoutMs: options.commandTimeoutMs ?? 30_000 });
  acceptJson(app);
  answerErrors(app, logger);
  drainOnClose(app, options.drainTimeoutMs ?? 10_000);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'x-request-id': request.id, ...SECURITY_HEADERS });
  });
  authenticated(app, options.authenticate);
  logAccess(app, logger, telemetry);
  const addMethodNotAllowed = watchMethods(app);

  app.register(swagger, { openapi: { openapi: '3.1.0', info: { title: 'Statewright', version } } });
  const context = { processor, clock, waitForMs };
  const stream = { ...defaultEventStreamSettings, ...options.stream };
  const { contentType, render } = telemetry as Partial<MetricsSource>;
  const routes: readonly Routes[] = [
    commandsRoutes,
    aggregatesRoutes(context),
    eventsRoutes({ ...context, logger, stream }),
    machinesRoutes(processor),
    projectionsRoutes(processor, logger),
    deadLettersRoutes(processor),
    replayRoutes(processor),
    healthRoutes({ processor, clock, version }),
    ...(contentType === undefined || render === undefined ? [] : [metricsRoutes({ contentType, render })]),
    openApiRoutes(processor),
    ...(options.routes ?? []),
  ];
  for (const each of routes) app.register(each);
  app.register(async () => addMethodNotAllowed());
  return app;
}

/** An API answers no page: nothing of it is to be framed, sniffed or kept by a browser. */
const SECURITY_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** The caller's own id when it is a plain word, so that it can be followed through several systems. */
function requestId(given: string | string[] | undefined): string {
  return typeof given === 'string' && /^[\w.-]{1,128}$/.test(given) ? given : randomUUID();
}
