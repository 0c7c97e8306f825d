import type { Clock } from '../kernel/clock.ts';
import type { Aggregate } from '../kernel/decider.ts';
import type { EventBus } from '../ports/event-bus.ts';
import type { Store } from '../ports/store.ts';
import type { Logger, Telemetry } from '../ports/telemetry.ts';
import type { CommandRequest, CommandResult } from './command.ts';
import type { ProcessorSettings } from './settings.ts';

/** What every part of one worker's runtime shares. */
export interface RuntimeContext {
  /** Unique to this run of this process; names it in leases and metrics. */
  readonly workerId: string;
  readonly store: Store;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly logger: Logger;
  readonly settings: ProcessorSettings;
  readonly aggregates: ReadonlyMap<string, Aggregate>;
  /** Sends a command as the runtime itself; also to internal aggregates. */
  send(command: CommandRequest): Promise<CommandResult>;
}
