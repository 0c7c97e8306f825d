import { type Static, Type } from 'typebox';
import { type ErrorCode, errorTable, failure, isFailure, type StatewrightError } from '../kernel/errors.ts';
import type { LegalCommand } from '../kernel/legal.ts';
import type { RefusedCommand } from '../runtime/command.ts';

/** What would become of a command now, as JSON Schema. */
export const LegalCommandSchema = Type.Object({
  type: Type.String(),
  verdict: Type.Union([Type.Literal('accepted'), Type.Literal('depends-on-data'), Type.Literal('refused')]),
  code: Type.Optional(Type.String()),
  because: Type.Optional(Type.String()),
});

/** An error as RFC 9457 problem details; `error` and `message` repeat title and detail for plain clients. */
export const Problem = Type.Object({
  /** The explanation of the code, relative to this server. */
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.String(),
  /** One of docs/errors.md, or the aggregate's own code of a refusal. */
  code: Type.String(),
  /** The path that was asked. */
  instance: Type.String(),
  error: Type.String(),
  message: Type.String(),
  /** Machine-readable facts, such as the actual version. */
  details: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  commandId: Type.Optional(Type.String()),
  aggregateId: Type.Optional(Type.String()),
  version: Type.Optional(Type.Integer()),
  /** What a read passes as `waitFor`, when a command was refused. */
  position: Type.Optional(Type.Integer()),
  /** The commands of the aggregate with their verdict now, when its state refused one. */
  commands: Type.Optional(Type.Array(LegalCommandSchema)),
});
export type Problem = Static<typeof Problem>;

export const problemMediaType = 'application/problem+json; charset=utf-8';

/** The problem that an error is to a caller. What a cause said stays in the log when the fault is ours. */
export function problemOf(error: StatewrightError, instance: string): Problem {
  const { details, cause, remedy } = error.explanation;
  const { title } = errorTable[error.code];
  const ours = error.status === 500 || (error.status > 500 && cause !== undefined);
  const detail = ours ? `${title}.${remedy === undefined ? '' : ` ${remedy}`}` : error.message;
  const problem = problem9457(error.code, error.code, error.status, detail, instance);
  if (ours || details === undefined) return problem;
  const { commands, ...facts } = details;
  return {
    ...problem,
    ...(Object.keys(facts).length === 0 ? {} : { details: facts }),
    ...(Array.isArray(commands) ? { commands: commands as LegalCommand[] } : {}),
  };
}

/** The problem that a refusal is, with what would be legal now: 404 when there is no such aggregate, else 409. */
export function problemOfRefusal(refused: RefusedCommand, instance: string): Problem {
  const { code, because, commandId, aggregateId, version, position, commands } = refused;
  const kind = code === 'NOT_FOUND' || code === 'VERSION_CONFLICT' ? code : 'COMMAND_REFUSED';
  const problem = problem9457(kind, code, errorTable[kind].status, because, instance);
  return { ...problem, commandId, aggregateId, version, position, commands: [...commands] };
}

/** Any thrown value as an error of ours: the framework's by their status, foreign ones as INTERNAL, untold. */
export function failureOf(error: unknown): StatewrightError {
  if (isFailure(error)) return error;
  const { statusCode, message } = error as { readonly statusCode?: number; readonly message?: string };
  const explanation = { ...(message === undefined ? {} : { found: message }) };
  switch (statusCode) {
    case 413:
      return failure('BODY_TOO_LARGE', explanation);
    case 415:
      return failure('UNSUPPORTED_MEDIA_TYPE', { expected: 'application/json', ...explanation });
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return failure('MALFORMED_REQUEST', explanation);
  return failure('INTERNAL', { cause: error });
}

/** Seconds to wait before the same request makes sense again; undefined when waiting doesn't help. */
export function retryAfterSeconds(status: number, details: Readonly<Record<string, unknown>> = {}): number | undefined {
  if (status !== 429 && status !== 503) return undefined;
  const { retryAfterMs } = details;
  return typeof retryAfterMs === 'number' ? Math.max(1, Math.ceil(retryAfterMs / 1000)) : 1;
}

function problem9457(kind: ErrorCode, code: string, status: number, detail: string, instance: string): Problem {
  const { title } = errorTable[kind];
  return { type: `/docs/errors#${kind}`, title, status, detail, code, instance, error: title, message: detail };
}
