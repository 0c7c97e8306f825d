/** The numbers an operator may turn. */
export interface ProcessorSettings {
  /** A snapshot each time the version passes a multiple of this. Default 10. */
  readonly snapshotEvery: number;
  /** Waiting commands of one aggregate. Default 1,000. */
  readonly mailboxCapacity: number;
  /** Commands without an answer, of all aggregates. Default 50,000. */
  readonly maxInFlight: number;
  /** Residents above which the least recently used are passivated. Default 100,000. */
  readonly maxLiveActors: number;
  /** An idle resident is passivated after this. Default 5 minutes. */
  readonly idleMs: number;
  /** Hydrations at once. Default 64. */
  readonly maxHydrations: number;
  /** Default 5 s. */
  readonly leaseMs: number;
  /** Default 5 s. */
  readonly waitForMs: number;
  /** Handler failures before a stream is parked. Default 3. */
  readonly retryAttempts: number;
  /** The first wait between tries; doubles, with jitter. Default 1,000. */
  readonly retryDelayMs: number;
  /** False: a lasting failure is stepped over, with an error in the log and a count. Default true. */
  readonly deadLetters: boolean;
  /** How long a command id is remembered. Default 30. */
  readonly commandIdDays: number;
  /** How long after its last event a stream that ended is archived. Default 365. */
  readonly retentionDays: number;
  /** The longest that a channel may take for one message; afterwards a started delivery is tried again. Default 10 s. */
  readonly channelTimeoutMs: number;
  /** How long draining may take. Default 30 s. */
  readonly shutdownTimeoutMs: number;
}

export const defaultSettings: ProcessorSettings = {
  snapshotEvery: 10,
  mailboxCapacity: 1_000,
  maxInFlight: 50_000,
  maxLiveActors: 100_000,
  idleMs: 300_000,
  maxHydrations: 64,
  leaseMs: 5_000,
  waitForMs: 5_000,
  retryAttempts: 3,
  retryDelayMs: 1_000,
  deadLetters: true,
  commandIdDays: 30,
  retentionDays: 365,
  channelTimeoutMs: 10_000,
  shutdownTimeoutMs: 30_000,
};
