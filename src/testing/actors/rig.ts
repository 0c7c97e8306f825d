import { type Clock, systemClock } from '../../kernel/clock.ts';
import type { Aggregate } from '../../kernel/decider.ts';
import { failure } from '../../kernel/errors.ts';
import type { CommandId, EventId, NewEvent, RecordedEvent } from '../../kernel/message.ts';
import type { EventBus } from '../../ports/event-bus.ts';
import type { EventStore } from '../../ports/event-store.ts';
import type { Store } from '../../ports/store.ts';
import { silentLogger, silentTelemetry } from '../../ports/telemetry.ts';
import type { CommandRequest, CommandResult } from '../../runtime/command.ts';
import { type CommandPath, createCommandPath } from '../../runtime/command-path.ts';
import { defaultSettings, type ProcessorSettings } from '../../runtime/settings.ts';
import { collect, newEvent } from '../store-fixtures.ts';
import { account } from './account.ts';

/** The command path of one worker on a store, with short cuts for its one aggregate. */
export interface CommandRig extends Omit<CommandPath, 'send'> {
  send(id: string, command: string, data?: object, more?: Partial<CommandRequest>): Promise<CommandResult>;
  history(id: string): Promise<readonly RecordedEvent[]>;
}

export interface CommandRigOptions {
  readonly clock?: Clock;
  readonly settings?: Partial<ProcessorSettings>;
  /** Default: the account. */
  readonly aggregate?: Aggregate;
}

export function commandRig(store: Store, options: CommandRigOptions = {}): CommandRig {
  const { clock = systemClock, settings, aggregate = account } = options;
  const path = createCommandPath({
    workerId: 'conformance',
    store,
    bus: { provider: 'none' } as EventBus,
    clock,
    telemetry: silentTelemetry,
    logger: silentLogger,
    settings: { ...defaultSettings, ...settings },
    aggregates: new Map([[aggregate.name, aggregate]]),
    send: () => Promise.reject(failure('INTERNAL')),
  });
  return {
    ...path,
    send: (id, type, data = {}, more = {}) =>
      path.send(aggregate, { stream: { type: aggregate.name, id }, type, data, ...more }),
    history: (id) => collect(store.events.readStream({ type: aggregate.name, id })),
  };
}

/** The same store, whose appends pass through `wrap`: to make happen what a server may do. */
export function withAppend(
  store: Store,
  wrap: (
    entries: Parameters<EventStore['append']>[0],
    append: EventStore['append'],
  ) => ReturnType<EventStore['append']>,
): Store {
  const append: EventStore['append'] = (entries) => wrap(entries, (inner) => store.events.append(inner));
  return { ...store, events: { ...store.events, append } };
}

/** An event of the account, as another worker would append it. */
export function foreign(type: string, data: object): NewEvent {
  return newEvent(type, data);
}

/** The code of what a command was rejected with; undefined when it was answered. */
export function errorCode(settled: PromiseSettledResult<unknown> | undefined): string | undefined {
  return settled?.status === 'rejected' ? settled.reason.code : undefined;
}

export const commandId = (text: string) => text as CommandId;
export const eventId = (text: string) => text as EventId;

/** Lets simulated time pass until the promise is settled. */
export async function passing<Result>(
  clock: { advance(ms: number): Promise<void> },
  promise: Promise<Result>,
): Promise<Result> {
  let settled = false;
  const watched = promise.finally(() => {
    settled = true;
  });
  watched.catch(() => {});
  while (!settled) await clock.advance(500);
  return watched;
}
