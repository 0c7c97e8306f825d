import { Type } from 'typebox';
import { memoryStore } from '../../src/adapters/stores/memory/memory.ts';
import { aggregate } from '../../src/kernel/aggregate.ts';
import { type Clock, systemClock } from '../../src/kernel/clock.ts';
import { type Aggregate, defineAggregate } from '../../src/kernel/decider.ts';
import { failure } from '../../src/kernel/errors.ts';
import type { RecordedEvent } from '../../src/kernel/message.ts';
import type { EventBus } from '../../src/ports/event-bus.ts';
import type { Store } from '../../src/ports/store.ts';
import { silentLogger, silentTelemetry } from '../../src/ports/telemetry.ts';
import type { CommandRequest } from '../../src/runtime/command.ts';
import { createCommandPath } from '../../src/runtime/command-path.ts';
import { defaultSettings, type ProcessorSettings } from '../../src/runtime/settings.ts';

const Amount = Type.Object({ amount: Type.Integer() });

const { emits, decides, refuse, moves, define } = aggregate('Account', {
  commands: {
    Open: Type.Object({ name: Type.String() }),
    Deposit: Amount,
    Split: Amount,
    Close: Type.Object({}),
    Throw: Type.Object({}),
  },
  events: { Opened: Type.Object({ name: Type.String() }), Deposited: Amount, Closed: Type.Object({}) },
  context: { name: '', balance: 0 },
  claims: ({ name }) => (name ? [`name:${name}`] : []),
  claimed: { name: ['NAME_TAKEN', 'Another account has this name.'] },
});

const explode = (): never => {
  throw new Error('a guard that throws');
};

/** An aggregate with a claim, several events from one command, a guard that throws and a final state. */
export const account: Aggregate = defineAggregate(
  define({
    initial: 'absent',
    states: {
      absent: {
        on: { Open: emits('Opened', ({ data }) => data), Opened: moves('open', ({ data }) => ({ name: data.name })) },
      },
      open: {
        on: {
          Open: refuse('ALREADY_OPEN', 'The account is open already.'),
          Deposit: emits('Deposited', ({ data }) => data),
          Split: decides('Deposited', ({ data }) =>
            Array.from({ length: data.amount }, () => ({ type: 'Deposited' as const, data: { amount: 1 } })),
          ),
          Close: emits('Closed', () => ({})),
          Throw: emits('Closed', () => ({}), explode),
          Deposited: moves(null, ({ context, data }) => ({ balance: context.balance + data.amount })),
          Closed: moves('closed'),
        },
      },
      closed: {
        type: 'final',
        on: { Close: refuse('CLOSED', 'The account is closed.'), Deposit: refuse('CLOSED', 'The account is closed.') },
      },
    },
  }),
);

const noBus = { provider: 'none' } as EventBus;

/** The command path on a store, with short cuts for the account. */
export function commandRig(
  options: { store?: Store; clock?: Clock; settings?: Partial<ProcessorSettings>; aggregate?: Aggregate } = {},
) {
  const { store = memoryStore(), clock = systemClock, aggregate: type = account } = options;
  const path = createCommandPath({
    workerId: 'test',
    store,
    bus: noBus,
    clock,
    telemetry: silentTelemetry,
    logger: silentLogger,
    settings: { ...defaultSettings, ...options.settings },
    aggregates: new Map([[type.name, type]]),
    send: () => Promise.reject(failure('INTERNAL')),
  });
  const send = (id: string, command: string, data: object = {}, more: Partial<CommandRequest> = {}) =>
    path.send(type, { stream: { type: type.name, id }, type: command, data, ...more });
  return { ...path, store, send, history: (id: string) => historyOf(store, type.name, id) };
}

export async function historyOf(store: Store, type: string, id: string): Promise<RecordedEvent[]> {
  return Array.fromAsync(store.events.readStream({ type, id }));
}
