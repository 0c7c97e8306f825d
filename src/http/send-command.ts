import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { sleep, systemClock } from '../kernel/clock.ts';
import { failure } from '../kernel/errors.ts';
import type { AcceptedCommand, CommandRequest, CommandResult, RefusedCommand } from '../runtime/command.ts';
import type { Processor } from '../runtime/processor.ts';
import { EventJson, eventJson } from './event-json.ts';
import { commandIds } from './idempotency.ts';
import { unknownAggregate } from './ids.ts';
import { problemMediaType, problemOfRefusal } from './problem.ts';

declare module 'fastify' {
  interface FastifyInstance {
    readonly commandTarget: { readonly processor: Processor; readonly timeoutMs: number };
  }
}

/** What any command's body may carry beside its data. */
export const Envelope = {
  /** Makes the command safe to send twice. */
  commandId: Type.Optional(Type.String({ minLength: 1, maxLength: 512 })),
  /** Refuses the command when the aggregate is at another version. */
  expectedVersion: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
  correlationId: Type.Optional(Type.String({ minLength: 1, maxLength: 512 })),
  /** The domain's time, ISO 8601: an admin's right. */
  occurredAt: Type.Optional(Type.String({ format: 'date-time' })),
};
const EnvelopeObject = Type.Object(Envelope);

/** A command as a route has read it. Without `aggregateId` it is for a new aggregate. */
export interface HttpCommand extends Static<typeof EnvelopeObject> {
  readonly aggregateType: string;
  readonly aggregateId?: string;
  readonly type: string;
  readonly data: unknown;
  readonly source?: string;
}

/** What an accepted command is answered with. */
export const CommandAccepted = Type.Object({
  message: Type.String(),
  commandId: Type.String(),
  aggregateId: Type.String(),
  /** The aggregate's version after the command. */
  version: Type.Integer(),
  /** What a read passes as `waitFor` to see it. */
  position: Type.Integer(),
  events: Type.Array(EventJson),
});
export type CommandAccepted = Static<typeof CommandAccepted>;

/**
 * Sends a command for this request: under the ids that its `Idempotency-Key` or `commandId` gives, in the principal's
 * name. A refusal is a result.
 * @param index the command's place in the request, when it carries several.
 * @throws UNKNOWN_AGGREGATE_TYPE (for the runtime's own aggregates too), FORBIDDEN, COMMAND_TIMED_OUT and whatever
 * `processor.send` throws.
 */
export async function sendCommand(request: FastifyRequest, command: HttpCommand, index = 0): Promise<CommandResult> {
  const { processor, timeoutMs } = request.server.commandTarget;
  const { aggregateType, type, data, expectedVersion, correlationId, occurredAt, source } = command;
  const known = processor.aggregates.get(aggregateType);
  const isOpen = known !== undefined && !known.definition.internal;
  if (!isOpen && !processor.commands.types.includes(`${aggregateType}.${type}`)) {
    const open = [...processor.aggregates.values()].filter(({ definition }) => !definition.internal);
    throw unknownAggregate(
      aggregateType,
      open.map(({ name }) => name),
    );
  }
  if (occurredAt !== undefined && request.principal?.admin !== true) {
    throw failure('FORBIDDEN', {
      expected: 'occurredAt from an admin only',
      found: occurredAt,
      remedy: 'Leave it out.',
    });
  }
  const { commandId, aggregateId } = commandIds(request, command, index);
  const { principal } = request;
  const sent: CommandRequest = {
    stream: { type: aggregateType, id: aggregateId },
    type,
    data,
    ...(commandId === undefined ? {} : { commandId }),
    ...(expectedVersion === undefined ? {} : { expectedVersion }),
    ...(correlationId === undefined ? {} : { correlationId }),
    ...(occurredAt === undefined ? {} : { occurredAt }),
    ...(principal === undefined ? {} : { userId: principal.id }),
    ...(source === undefined ? {} : { source }),
  };
  return answeredWithin(timeoutMs, processor.send(sent), sent);
}

/** Answers a command: 202 with its events, or the refusal as a problem. */
export function commandReply(reply: FastifyReply, result: CommandResult, message: string): FastifyReply {
  if (result.status === 'accepted') return reply.code(202).send(acceptedJson(result, message));
  return refusedReply(reply, result);
}

/** What `commandReply` answers with when the command was accepted. */
export function acceptedJson(result: AcceptedCommand, message: string): CommandAccepted {
  const { commandId, aggregateId, version, position, events } = result;
  return { message, commandId, aggregateId, version, position, events: events.map(eventJson) };
}

function refusedReply(reply: FastifyReply, result: RefusedCommand): FastifyReply {
  const problem = problemOfRefusal(result, pathOf(reply.request));
  return reply.code(problem.status).type(problemMediaType).send(problem);
}

/** The request's path, without its query: queries may hold secrets. */
export function pathOf(request: FastifyRequest): string {
  const [path = ''] = request.url.split('?', 1);
  return path;
}

async function answeredWithin(
  timeoutMs: number,
  answer: Promise<CommandResult>,
  sent: CommandRequest,
): Promise<CommandResult> {
  const answered = new AbortController();
  const late = sleep(systemClock, timeoutMs, answered.signal).then(() => undefined);
  try {
    const first = await Promise.race([answer, late]);
    if (first !== undefined) return first;
  } finally {
    answered.abort();
  }
  throw failure('COMMAND_TIMED_OUT', {
    expected: `an answer within ${timeoutMs} ms`,
    remedy:
      sent.commandId === undefined
        ? 'It may still take effect: read the aggregate before sending it again.'
        : 'It may still take effect: send it again with the same id to learn its outcome.',
    details: { aggregateId: sent.stream.id, ...(sent.commandId === undefined ? {} : { commandId: sent.commandId }) },
  });
}
