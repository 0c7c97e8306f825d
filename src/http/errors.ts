import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { failure, isFailure, type StatewrightError } from '../kernel/errors.ts';
import type { Logger } from '../ports/telemetry.ts';
import { failureOf, problemMediaType, problemOf, retryAfterSeconds } from './problem.ts';
import { pathOf } from './send-command.ts';

/** Answers every error of every route as a problem, and an unknown path with 404. */
export function answerErrors(app: FastifyInstance, logger: Logger): void {
  app.setErrorHandler((error, request, reply) => errorReply(error, request, reply, logger));
  app.setNotFoundHandler((request, reply) => {
    const error = failure('NOT_FOUND', {
      expected: 'a path of this API',
      found: `${request.method} ${pathOf(request)}`,
    });
    return errorReply(error, request, reply, logger);
  });
}

/** Sends the problem that an error is, with the headers that belong to it. */
export function errorReply(
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  logger: Logger,
): FastifyReply {
  const error = failureOf(thrown);
  const { status } = error;
  if (status === 500)
    logger.error({ err: causeOf(error), requestId: request.id, code: error.code }, 'a request failed');
  else if (error.explanation.cause !== undefined) {
    logger.warn({ err: error, requestId: request.id, code: error.code }, 'a request could not be served');
  }
  const retryAfter = retryAfterSeconds(status, error.explanation.details);
  if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter));
  if (status === 401 && !reply.hasHeader('www-authenticate')) reply.header('www-authenticate', 'Bearer');
  if (isFailure(error, 'DRAINING')) reply.header('connection', 'close');
  return reply
    .code(status)
    .type(problemMediaType)
    .send(problemOf(error, pathOf(request)));
}

/** Answers what never became a request: broken HTTP, headers too large, a request that took too long to arrive. */
export function answerClientError(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = problemOf(clientFailure(error), '');
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    'Connection: close',
    `Content-Type: ${problemMediaType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function clientFailure({ code, message }: { readonly code?: string; readonly message: string }): StatewrightError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return failure('HEADERS_TOO_LARGE', { expected: 'at most 16 KiB' });
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return failure('REQUEST_TIMED_OUT');
    default:
      return failure('MALFORMED_REQUEST', { expected: 'HTTP/1.1', found: message });
  }
}

const causeOf = (error: StatewrightError) => (error.code === 'INTERNAL' ? (error.explanation.cause ?? error) : error);
