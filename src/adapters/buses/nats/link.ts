import type { JetStreamManager, NatsConnection } from 'nats';
import type { Clock } from '../../../kernel/clock.ts';
import type { Logger } from '../../../ports/telemetry.ts';
import type { BrokerBusOptions } from '../broker-options.ts';
import type { Topology } from './topology.ts';

/** What the consumers of one bus share. */
export interface Link {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly connection: NatsConnection;
  readonly jetStream: JetStreamManager;
  readonly topology: Topology;
  /** Keeps the questions to JetStream few at a time. */
  atMost<Result>(task: () => Promise<Result>): Promise<Result>;
  /** Into how many the stream is divided. */
  readonly partitions: number;
  readonly forgetAfterMs: number;
  readonly dispatching: Pick<BrokerBusOptions, 'maxHeld' | 'redeliverAfterMs' | 'maxRedeliverAfterMs'>;
  /** What one request may bring at most: never less than the largest message. */
  maxBytes(): number;
}
