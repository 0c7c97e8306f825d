import { AckPolicy, DeliverPolicy, type JetStreamManager, type NatsConnection } from 'nats';
import { answerTimeoutMs, apiErrorOf, apiErrors } from './connection.ts';
import type { Topology } from './topology.ts';

/** Who has a partition of a group, and from where on: what the metadata of its durable consumer says. */
export interface Epoch {
  readonly partition: number;
  /** 1, 2, 3 …; the highest one counts. */
  readonly number: number;
  /** The member; empty when it was given up. */
  readonly owner: string;
  /** Everything up to this sequence of the stream is handled. */
  readonly floor: number;
  /** What is handled above the floor. */
  readonly handled: readonly number[];
}

/**
 * The durable consumers of one group, one a partition, and a new one each time that a partition changes hands: its name
 * ends with the epoch's number, and the server creates a name once. So one of several takers wins, what the loser still
 * acknowledges or fetches goes nowhere, and the next owner begins where the last one's acknowledgements end, in order,
 * without waiting for anything to be delivered again.
 */
export interface Epochs {
  /** The numbers that each partition has now. */
  list(): Promise<ReadonlyMap<number, readonly number[]>>;
  /** Undefined when it is not there any more. */
  read(partition: number, number: number): Promise<Epoch | undefined>;
  /** False when somebody else began it. Ends all earlier ones. */
  begin(epoch: Epoch, earlier: readonly number[]): Promise<boolean>;
  /** The sequence of the last event that the stream was given. */
  streamEnd(): Promise<number>;
}

export interface EpochsOptions {
  readonly connection: NatsConnection;
  readonly jetStream: JetStreamManager;
  readonly topology: Topology;
  readonly group: string;
  readonly patterns: readonly string[];
  /** What a consumer may have unacknowledged. */
  readonly maxUnacknowledged: number;
  /** Unacknowledged for so long, and not said to be in work, an event comes again. */
  readonly ackWaitMs: number;
  /** A consumer that nobody asked for so long is removed by the server. */
  readonly forgetAfterMs: number;
}

const key = { owner: 'statewright.owner', floor: 'statewright.floor', handled: 'statewright.handled' };

export function createEpochs(options: EpochsOptions): Epochs {
  const { connection, jetStream, topology, group, patterns } = options;
  const { stream } = topology;

  async function create({ partition, number, owner, floor, handled }: Epoch): Promise<boolean> {
    try {
      await jetStream.consumers.add(stream, {
        durable_name: topology.consumer(group, partition, number),
        filter_subjects: topology.filters(patterns, partition),
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: floor + 1,
        ack_policy: AckPolicy.Explicit,
        ack_wait: options.ackWaitMs * 1e6,
        // Not the server decides when an event was tried often enough.
        max_deliver: -1,
        max_ack_pending: options.maxUnacknowledged,
        inactive_threshold: options.forgetAfterMs * 1e6,
        metadata: {
          [key.owner]: owner,
          [key.floor]: String(floor),
          [key.handled]: handled.map((sequence) => sequence - floor).join(' '),
        },
      });
      return true;
    } catch (error) {
      if (apiErrorOf(error) !== apiErrors.consumerExists) throw error;
      // An answer of ours that was lost, or of somebody else?
      return owner !== '' && (await read(partition, number))?.owner === owner;
    }
  }

  async function read(partition: number, number: number): Promise<Epoch | undefined> {
    try {
      const info = await jetStream.consumers.info(stream, topology.consumer(group, partition, number));
      const metadata = info.config.metadata ?? {};
      const began = Number(metadata[key.floor]) || 0;
      const handled = (metadata[key.handled] ?? '').split(' ').filter((text) => text !== '');
      const floor = Math.max(began, info.ack_floor.stream_seq);
      return {
        partition,
        number,
        owner: metadata[key.owner] ?? '',
        floor,
        handled: handled.map((text) => began + Number(text)).filter((sequence) => sequence > floor),
      };
    } catch (error) {
      if (apiErrorOf(error) === apiErrors.consumerNotFound) return undefined;
      throw error;
    }
  }

  /** The driver lists consumers with all that is known of them only: too much for many. */
  async function names(offset: number): Promise<{ readonly total: number; readonly names: readonly string[] }> {
    const subject = `${jetStream.getOptions().apiPrefix}.CONSUMER.NAMES.${stream}`;
    const answer = await connection.request(subject, JSON.stringify({ offset }), { timeout: answerTimeoutMs });
    const { total = 0, consumers, error } = answer.json<NamesAnswer>();
    if (error !== undefined) throw new Error(error.description);
    return { total, names: consumers ?? [] };
  }

  return {
    async list() {
      const found = new Map<number, number[]>();
      for (let offset = 0, total = 1; offset < total; ) {
        const page = await names(offset);
        total = page.total;
        offset += Math.max(1, page.names.length);
        for (const name of page.names) {
          const consumer = topology.parseConsumer(group, name);
          if (consumer === undefined) continue;
          found.set(consumer.partition, [...(found.get(consumer.partition) ?? []), consumer.epoch]);
        }
      }
      return found;
    },

    read,

    async begin(epoch, earlier) {
      if (!(await create(epoch))) return false;
      // One that stays does no harm: it isn't the highest, and the next owner ends it.
      await Promise.allSettled(
        earlier.map((number) => jetStream.consumers.delete(stream, topology.consumer(group, epoch.partition, number))),
      );
      return true;
    },

    async streamEnd() {
      return (await jetStream.streams.info(stream)).state.last_seq;
    },
  };
}

interface NamesAnswer {
  readonly total?: number;
  readonly consumers?: readonly string[] | null;
  readonly error?: { readonly description: string };
}
