import { failure } from '../kernel/errors.ts';
import type { BreakerState } from './breaker.ts';
import type { RuntimeContext } from './context.ts';
import type { CountBook } from './counts.ts';
import type { SubscriptionDefinition } from './define.ts';
import type { Relay } from './relay.ts';
import type { RunsHere } from './runs-here.ts';
import { createSubscription, type Subscription, type SubscriptionStatus } from './subscription.ts';

/** The grouped subscriptions that this worker knows; not all of them need run here. */
export interface Subscriptions {
  /** Runs it here, at once when the others run. @throws INVALID_DEFINITION when the name is taken. */
  add(definition: SubscriptionDefinition): Promise<void>;
  start(): Promise<void>;
  /** Takes no more, waits for what is in handlers. Twice is fine. */
  stop(): Promise<void>;
  /** Of those that run here. */
  status(): readonly SubscriptionStatus[];
  /** The definition of this name; undefined when this worker does not know it. */
  find(name: string): SubscriptionDefinition | undefined;
  names(): readonly string[];
  /** A stream was redriven: looks for it now. */
  nudge(name: string): void;
  /** By subscription that runs here. */
  breakers(): Readonly<Record<string, BreakerState>>;
}

/** @throws INVALID_DEFINITION when two have one name. */
export function createSubscriptions(
  context: RuntimeContext,
  relay: Pick<Relay, 'onHeld'>,
  counts: CountBook,
  definitions: readonly SubscriptionDefinition[],
  runsHere: RunsHere,
): Subscriptions {
  const subscriptions = new Map<string, Subscription>();
  const here = new Set<Subscription>();
  let running = false;

  function register(definition: SubscriptionDefinition, runs: boolean): Subscription {
    if (subscriptions.has(definition.name)) {
      throw failure('INVALID_DEFINITION', {
        expected: 'a name of its own per subscription',
        found: `two ${definition.name}`,
      });
    }
    const subscription = createSubscription(context, definition, relay, counts);
    subscriptions.set(definition.name, subscription);
    if (runs) here.add(subscription);
    return subscription;
  }

  for (const definition of definitions) register(definition, runsHere(definition.name));

  return {
    async add(definition) {
      const subscription = register(definition, true);
      if (running) await subscription.start();
    },
    async start() {
      running = true;
      await Promise.all([...here].map((subscription) => subscription.start()));
    },
    async stop() {
      running = false;
      await Promise.all([...here].map((subscription) => subscription.stop()));
    },
    status: () => [...here].map((subscription) => subscription.status()),
    find: (name) => subscriptions.get(name)?.definition,
    names: () => [...subscriptions.keys()],
    nudge: (name) => subscriptions.get(name)?.nudge(),
    breakers: () =>
      Object.fromEntries([...here].map(({ definition, breakerState }) => [definition.name, breakerState()])),
  };
}
