import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../ports/telemetry.ts';

/** What every bus on a broker can be told; all optional. */
export interface BrokerBusOptions {
  /** Begins every name on the broker. Default `statewright`. */
  readonly namespace?: string;
  readonly clock?: Clock;
  /** Hears of lost connections, and of messages that are not ours and were stepped over. Default: nobody. */
  readonly logger?: Logger;
  /** Events that a consumer holds at most, in handlers or before them. Default 1,000. */
  readonly maxHeld?: number;
  /** The first wait before a rejected event comes again; doubles. Default 50. */
  readonly redeliverAfterMs?: number;
  /** Default 5,000. */
  readonly maxRedeliverAfterMs?: number;
}

/** What begins every name when none is given. */
export const defaultNamespace = 'statewright';

/** How long a bus waits for its handlers when it closes; with what comes after it stays under 5 s. */
export const maxCloseMs = 4_000;
