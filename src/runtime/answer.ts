import { failure } from '../kernel/errors.ts';
import type { LegalCommand } from '../kernel/legal.ts';
import type { NewEvent, RecordedEvent, StreamId } from '../kernel/message.ts';
import type { AppendOutcome, CommandRecord, EventStore } from '../ports/event-store.ts';
import type { AcceptedCommand, CommandResult } from './command.ts';
import type { Proposal, WaitingCommand } from './proposal.ts';

/** The answer to a command whose entry was committed. */
export function answerCommitted(
  { waiting, entry, refusal }: Proposal,
  { version, position, recordedAt }: Extract<AppendOutcome, { kind: 'committed' }>,
): CommandResult {
  const base = { commandId: waiting.command.meta.commandId, aggregateId: entry.stream.id, version, position };
  if (refusal !== undefined) return { status: 'refused', ...base, ...refusal };
  const before = entry.events.length - 1;
  const recorded = (event: NewEvent, index: number): RecordedEvent => ({
    ...event,
    stream: entry.stream,
    version: version - before + index,
    position: position - before + index,
    recordedAt,
  });
  return { status: 'accepted', ...base, events: entry.events.map(recorded) };
}

/**
 * The answer to a command that was sent before: its first outcome, events and all.
 * @throws COMMAND_ID_REUSED when the id stands for another command.
 */
export async function answerDuplicate(
  events: Pick<EventStore, 'readStream'>,
  stream: StreamId,
  waiting: WaitingCommand,
  first: CommandRecord,
): Promise<CommandResult> {
  if (first.fingerprint !== waiting.fingerprint) {
    throw failure('COMMAND_ID_REUSED', {
      expected: 'the same command type and data as the first time',
      found: `${waiting.command.type} with other data under the command id ${first.id}`,
      remedy: 'Send a new command under a new id.',
    });
  }
  const base = { commandId: first.id, aggregateId: stream.id, version: first.version, position: first.position };
  if (first.refused !== undefined) {
    const { code, because, commands } = first.refused;
    return {
      status: 'refused',
      ...base,
      code,
      because,
      commands: (commands ?? []) as unknown as readonly LegalCommand[],
    };
  }
  const recorded: RecordedEvent[] = [];
  const range = { from: first.version - first.count + 1, to: first.version };
  for await (const event of events.readStream(stream, range)) recorded.push(event);
  return { status: 'accepted', ...base, events: recorded } satisfies AcceptedCommand;
}
