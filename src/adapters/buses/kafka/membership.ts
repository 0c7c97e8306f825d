import type { Consumer, KafkaMessage } from 'kafkajs';
import { type Clock, sleep } from '../../../kernel/clock.ts';
import type { Logger } from '../../../ports/telemetry.ts';
import { claimAssigner } from './assigner.ts';
import type { KafkaClient } from './client.ts';
import type { Claim } from './sharing.ts';

export interface MembershipOptions {
  readonly group: string;
  readonly topic: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly sessionTimeoutMs: number;
  /** A client for each kafkajs consumer. */
  readonly client: () => KafkaClient;
  /** Asked whenever this member joins; nothing is taken between that and `onAssigned`. */
  readonly claim: () => Omit<Claim, 'memberId'>;
  /** The partitions from now on. Called before anything of them is taken, and what it pauses or seeks holds at once. */
  readonly onAssigned: (partitions: readonly number[], memberId: string) => void;
  /** Takes what was fetched; until it resolves nothing more is fetched of this partition. */
  readonly take: (batch: FetchedBatch) => Promise<void>;
}

export interface FetchedBatch {
  readonly partition: number;
  readonly messages: readonly KafkaMessage[];
  readonly lastOffset: string;
  /** Behind the last message that the broker has of this partition. */
  readonly end: number;
  /** The next fetch begins behind this offset. */
  took(offset: string): void;
  /** To be called at least every second by who waits. Rejects when the group joins anew: then `take` must end. */
  alive(): Promise<void>;
}

/** One member of a consumer group on one topic, for as long as it wants to be: kafkajs' consumer, rebuilt when it gave up. */
export interface Membership {
  /** Resolves with the first assignment; rejects when the brokers can't be reached or refuse. */
  join(): Promise<void>;
  pause(partitions: readonly number[]): void;
  resume(partitions: readonly number[]): void;
  seek(partition: number, offset: number): void;
  /** Writes down where a consumer after this one has to begin. Rejects when it is not known to be written. */
  commit(offsets: ReadonlyMap<number, number>): Promise<void>;
  /** Has the whole group share out its partitions anew, soon. */
  rejoin(): void;
  leave(): Promise<void>;
  /** Is gone for the group only when its session expires. */
  cutOff(): void;
}

export function createMembership(options: MembershipOptions): Membership {
  const { group, topic, clock, logger } = options;
  const ending = new AbortController();
  let current: { readonly client: KafkaClient; readonly consumer: Consumer } | undefined;
  let joined = false;
  let wantsRejoin = false;
  let signOfLifeAtMs = clock.monotonicMs();

  async function start(): Promise<void> {
    const client = options.client();
    const consumer = client.kafka.consumer({
      groupId: group,
      partitionAssigners: [claimAssigner(topic, claim)],
      sessionTimeout: options.sessionTimeoutMs,
      rebalanceTimeout: options.sessionTimeoutMs,
      heartbeatInterval: pulseMs,
      maxWaitTimeInMs: pulseMs,
      maxBytes: maxFetchBytes,
      maxBytesPerPartition: maxFetchBytes / 4,
      allowAutoTopicCreation: false,
      retry: { restartOnFailure: async () => false },
    });
    const mine = { client, consumer };
    current = mine;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let established = false;
    const { CRASH, FETCH_START, GROUP_JOIN, HEARTBEAT } = consumer.events;

    consumer.on(GROUP_JOIN, ({ payload }) => {
      signOfLife();
      if (ending.signal.aborted || current !== mine) return;
      joined = true;
      established = true;
      options.onAssigned(payload.memberAssignment[topic] ?? [], payload.memberId);
      resolve();
    });
    consumer.on(HEARTBEAT, signOfLife);
    consumer.on(FETCH_START, () => {
      signOfLife();
      failToRejoin();
    });
    consumer.on(CRASH, ({ payload }) => {
      reject(payload.error);
      if (!established || current !== mine) return;
      logger.warn({ group, error: payload.error }, 'A Kafka consumer gave up; another one takes its place.');
      restart();
    });
    promise.catch(() => {});

    try {
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        async eachBatch({ batch, resolveOffset, heartbeat }) {
          if (current !== mine) return;
          await options.take({
            partition: batch.partition,
            messages: batch.messages,
            lastOffset: batch.lastOffset(),
            end: Number(batch.highWatermark),
            took: resolveOffset,
            async alive() {
              failToRejoin();
              await heartbeat();
            },
          });
        },
      });
      await promise;
    } catch (error) {
      if (current === mine) current = undefined;
      client.cutOff();
      throw error;
    }
  }

  async function restart(): Promise<void> {
    joined = false;
    current?.client.cutOff();
    current = undefined;
    while (!ending.signal.aborted) {
      await sleep(clock, restartAfterMs, ending.signal);
      if (ending.signal.aborted) return;
      try {
        await start();
        return;
      } catch (error) {
        logger.debug({ group, error }, 'A Kafka consumer could not start yet.');
      }
    }
  }

  /** kafkajs has been seen to stand still for good; whoever is alive fetches, joins or beats all the time. */
  async function watch(): Promise<void> {
    while (!ending.signal.aborted) {
      await sleep(clock, stillForMs / 4, ending.signal);
      if (!joined || clock.monotonicMs() - signOfLifeAtMs < stillForMs) continue;
      logger.warn({ group }, 'A Kafka consumer stands still; another one takes its place.');
      restart();
    }
  }

  function claim(): Omit<Claim, 'memberId'> {
    wantsRejoin = false;
    return options.claim();
  }

  /** There is no other way to make kafkajs 2 join again: what a listener or a handler throws, it takes for the broker's word. */
  function failToRejoin(): void {
    if (!wantsRejoin) return;
    wantsRejoin = false;
    throw Object.assign(new Error('the group is to join anew'), { type: 'REBALANCE_IN_PROGRESS' });
  }

  function signOfLife(): void {
    signOfLifeAtMs = clock.monotonicMs();
  }

  return {
    async join() {
      const giveUpAtMs = clock.monotonicMs() + joinWithinMs;
      for (;;) {
        try {
          await start();
          break;
        } catch (error) {
          // A broker that has just come answers at once that it doesn't know this group yet.
          if (!isPassing(error) || ending.signal.aborted || clock.monotonicMs() > giveUpAtMs) throw error;
          await sleep(clock, restartAfterMs, ending.signal);
        }
      }
      watch();
    },
    pause(partitions) {
      if (joined) current?.consumer.pause([{ topic, partitions: [...partitions] }]);
    },
    resume(partitions) {
      if (joined) current?.consumer.resume([{ topic, partitions: [...partitions] }]);
    },
    seek(partition, offset) {
      if (joined) current?.consumer.seek({ topic, partition, offset: String(offset) });
    },
    async commit(offsets) {
      if (!joined || current === undefined) throw new Error('not a member of the group now');
      const { consumer } = current;
      await consumer.commitOffsets(
        [...offsets].map(([partition, offset]) => ({ topic, partition, offset: String(offset) })),
      );
      if (!joined || current?.consumer !== consumer) throw new Error('not known to be written');
    },
    rejoin() {
      wantsRejoin = true;
    },
    async leave() {
      ending.abort();
      const last = current;
      await last?.consumer.disconnect();
      last?.client.cutOff();
    },
    cutOff() {
      ending.abort();
      joined = false;
      current?.client.cutOff();
    },
  };
}

/** True for what a broker answers; not for one that can't be reached, or refuses. */
function isPassing(error: unknown): boolean {
  const { name, retriable } = error as { readonly name?: unknown; readonly retriable?: unknown };
  return name === 'KafkaJSProtocolError' && retriable === true;
}

/** How often it looks whether the group joins anew, at most; a fetch that finds nothing waits so long. */
const pulseMs = 250;
/** kafkajs decodes a whole answer in one go: small ones let the other groups of the process breathe. */
const maxFetchBytes = 2 ** 20;
const restartAfterMs = 1_000;
const joinWithinMs = 20_000;
const stillForMs = 60_000;
