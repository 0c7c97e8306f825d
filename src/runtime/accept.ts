import { type Clock, isoTime } from '../kernel/clock.ts';
import { fingerprint } from '../kernel/codec.ts';
import type { Aggregate } from '../kernel/decider.ts';
import { failure } from '../kernel/errors.ts';
import { freshId } from '../kernel/fresh-id.ts';
import type { CommandId, StreamId } from '../kernel/message.ts';
import { isUsableId, maxIdBytes } from '../ports/event-store.ts';
import type { CommandRequest, CommandResult } from './command.ts';
import type { Supervisor } from './supervisor.ts';

/**
 * Checks a request, adds what it leaves out, and puts it into its aggregate's mailbox.
 * @throws INVALID_ID, INVALID_COMMAND, UNKNOWN_COMMAND, and what the actor answers with: MAILBOX_FULL and so on.
 */
export function accept(
  supervisor: Supervisor,
  aggregate: Aggregate,
  request: CommandRequest,
  clock: Clock,
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    checkId('aggregate id', request.stream.id);
    if (request.commandId !== undefined) checkId('command id', request.commandId);
    if (request.occurredAt !== undefined) checkTime(request.occurredAt);
    const { type, stream, expectedVersion } = request;
    const data = aggregate.parseCommand(type, request.data);
    const ownId = request.commandId !== undefined;
    const commandId = request.commandId ?? (freshId() as CommandId);
    const meta = {
      occurredAt: request.occurredAt ?? isoTime(clock),
      commandId,
      correlationId: request.correlationId ?? commandId,
      causationId: request.causationId ?? commandId,
      ...(request.userId === undefined ? {} : { userId: request.userId }),
      source: request.source ?? defaultSource(stream),
      schema: 1,
    };
    supervisor.deliver(aggregate, stream, {
      command: { type, data, meta, aggregateId: stream.id },
      ownId,
      fingerprint: ownId ? fingerprint([type, data]) : '',
      expectedVersion,
      resolve,
      reject,
      tries: 0,
      claimed: undefined,
    });
  });
}

/** `user-service` for a `User`, `loan-application-service` for a `LoanApplication`. */
function defaultSource({ type }: StreamId): string {
  return `${type.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '-').toLowerCase()}-service`;
}

/** @throws INVALID_ID */
export function checkId(what: string, id: string): void {
  if (isUsableId(id)) return;
  throw failure('INVALID_ID', {
    expected: `${what}: well-formed text of 1 to ${maxIdBytes} bytes in UTF-8, without a NUL`,
    found: id.length === 0 ? 'an empty text' : `${Buffer.byteLength(id)} bytes: ${JSON.stringify(id.slice(0, 40))}`,
  });
}

function checkTime(occurredAt: string): void {
  if (isoPattern.test(occurredAt) && !Number.isNaN(Date.parse(occurredAt))) return;
  throw failure('INVALID_COMMAND', {
    expected: 'occurredAt as ISO 8601 with its offset or Z',
    found: JSON.stringify(occurredAt),
  });
}

const isoPattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;
