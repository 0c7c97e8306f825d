import { randomUUID } from 'node:crypto';
import type { StreamId } from '../kernel/message.ts';
import type { EventBus } from '../ports/event-bus.ts';
import type { Case, Subject } from './case.ts';

/**
 * `durable`: keeps for a group what none of its consumers took yet. `crossProcess`: several instances on one broker.
 * `bounded`: refuses messages over a size. `killable`: an instance can be cut off as a killed process is. `restartable`:
 * the place has a broker of its own, which can be stopped and started.
 */
export type BusFeature = 'durable' | 'crossProcess' | 'bounded' | 'killable' | 'restartable';

/** How a broker goes: in order, by SIGKILL, or standing still with its connections open (SIGSTOP). */
export type BrokerEnd = 'stopped' | 'killed' | 'hanging';

/** What the author of a bus supplies to run the suite. */
export interface BusAdapter<Location> {
  /** Such as `nats`. */
  readonly name: string;
  readonly features: readonly BusFeature[];
  /** A namespace on the broker that nobody else uses. */
  newLocation(): Promise<Location>;
  /** Opens an instance there. */
  open(location: Location): Promise<EventBus> | EventBus;
  /** Removes what is on the broker; every instance is closed by then. */
  destroy(location: Location): Promise<void>;
  /** For `bounded`: data of so many bytes are too many. */
  readonly oversizeBytes?: number;
  /** For `killable`: ends the instance's connections without a farewell; what it was handling stays unacknowledged. */
  kill?(bus: EventBus): Promise<void>;
  /** For `restartable`: the location's broker. `start` brings it back however it went, with what it kept. */
  broker?(location: Location): { stop(how: BrokerEnd): Promise<void>; start(): Promise<void> };
}

/** What a case gets to work with. */
export interface BusContext {
  readonly bus: EventBus;
  readonly features: readonly BusFeature[];
  readonly oversizeBytes: number;
  /** Another instance on the same broker when the bus is `crossProcess`, else the same instance. */
  second(): Promise<EventBus>;
  kill(bus: EventBus): Promise<void>;
  stopBroker(how: BrokerEnd): Promise<void>;
  startBroker(): Promise<void>;
  /** A name that nobody else uses: of a group, an aggregate type, an event type. */
  name(prefix: string): string;
  /** A stream that nobody else uses, of a type that nobody else uses when none is given. */
  stream(type?: string): StreamId;
}

/** A case for buses. */
export type BusCase = Case<BusContext, BusFeature>;

/** The adapter as the suite's subject. */
export function busSubject<Location>(adapter: BusAdapter<Location>): Subject<BusContext, BusFeature> {
  return {
    name: adapter.name,
    features: adapter.features,
    async place() {
      const location = await adapter.newLocation();
      const opened: EventBus[] = [];
      const open = async () => {
        const bus = await adapter.open(location);
        opened.push(bus);
        return bus;
      };
      const bus = await open();
      const name = (prefix: string) => `${prefix}-${randomUUID()}`;
      return {
        context: () => ({
          bus,
          features: adapter.features,
          oversizeBytes: adapter.oversizeBytes ?? 0,
          second: async () => (adapter.features.includes('crossProcess') ? open() : bus),
          kill: async (victim) => adapter.kill?.(victim),
          stopBroker: async (how) => adapter.broker?.(location).stop(how),
          startBroker: async () => adapter.broker?.(location).start(),
          name,
          stream: (type = name('Account')) => ({ type, id: randomUUID() }),
        }),
        async dispose() {
          await Promise.all(opened.map((one) => one.close()));
          await adapter.destroy(location);
        },
      };
    },
  };
}
