import type { LegalCommand } from '../kernel/decider.ts';
import type { CommandId, RecordedEvent, Refused, StreamId } from '../kernel/message.ts';

/** A command as a caller gives it to `processor.send`; the runtime adds what is missing. */
export interface CommandRequest<Type extends string = string, Data = unknown> {
  readonly stream: StreamId;
  readonly type: Type;
  readonly data: Data;
  /** A caller's own id fixes the command's outcome, a refusal too. Default: a fresh UUIDv7. */
  readonly commandId?: CommandId;
  /** The command is refused with VERSION_CONFLICT when the aggregate is at another version. */
  readonly expectedVersion?: number;
  readonly correlationId?: string;
  /** What caused it: an event's id, say. Default: the command's id. */
  readonly causationId?: string;
  readonly userId?: string;
  readonly source?: string;
  /** The domain's time, ISO 8601. Default: now. */
  readonly occurredAt?: string;
}

/** What became of a command. It leaves only when everything it was decided on is committed. */
export type CommandResult = AcceptedCommand | RefusedCommand;

export interface AcceptedCommand {
  readonly status: 'accepted';
  readonly commandId: CommandId;
  readonly aggregateId: string;
  /** The stream's version after the command. */
  readonly version: number;
  /** The position of its last event: what a read passes as `waitFor`. */
  readonly position: number;
  readonly events: readonly RecordedEvent[];
}

export interface RefusedCommand extends Refused {
  readonly status: 'refused';
  readonly commandId: CommandId;
  readonly aggregateId: string;
  readonly version: number;
  readonly position: number;
  /** What would be legal in the state that refused. */
  readonly commands: readonly LegalCommand[];
}
