import { failure } from '../kernel/errors.ts';
import type { CommandRequest, CommandResult } from './command.ts';

/** Handles one kind of message. */
export type CommandHandler = (command: CommandRequest) => Promise<CommandResult>;

/** Routes commands to their handlers by `Aggregate.Command`; every aggregate's commands are registered by themselves. */
export interface CommandBus {
  /** @throws INVALID_DEFINITION when the type has a handler already. */
  register(type: string, handler: CommandHandler): void;
  /** @throws UNKNOWN_COMMAND */
  execute(command: CommandRequest): Promise<CommandResult>;
  readonly types: readonly string[];
}

export function createCommandBus(): CommandBus {
  const handlers = new Map<string, CommandHandler>();
  return {
    register(type, handler) {
      if (handlers.has(type))
        throw failure('INVALID_DEFINITION', { expected: 'one handler per command', found: `two for ${type}` });
      handlers.set(type, handler);
    },
    execute(command) {
      const type = `${command.stream.type}.${command.type}`;
      const handler = handlers.get(type);
      if (handler !== undefined) return handler(command);
      return Promise.reject(
        failure('UNKNOWN_COMMAND', { expected: `one of ${[...handlers.keys()].join(', ')}`, found: type }),
      );
    },
    get types() {
      return [...handlers.keys()];
    },
  };
}
