import type { LegalCommand } from '../kernel/decider.ts';
import type { AggregateDefinition, CommandsOf } from '../kernel/definition.ts';
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

/** Sends a command. A refusal is a result, not a throw. */
export interface Send {
  /**
   * `send(user, 'u-1', 'CreateUser', { … })`: the compiler checks the command's name and data.
   * @throws INVALID_COMMAND, MAILBOX_FULL, BUSY, DRAINING, STORE_UNAVAILABLE, CONTENTION, DECIDE_FAILED, …
   */
  <Definition extends AggregateDefinition, Type extends keyof CommandsOf<Definition> & string>(
    definition: Definition,
    id: string,
    type: Type,
    data: CommandsOf<Definition>[Type],
    more?: Omit<CommandRequest, 'stream' | 'type' | 'data'>,
  ): Promise<CommandResult>;
  /** The same for what comes from outside: names and data are checked at run time. @throws UNKNOWN_AGGREGATE_TYPE, … */
  (command: CommandRequest): Promise<CommandResult>;
}
