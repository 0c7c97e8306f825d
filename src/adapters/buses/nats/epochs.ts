import { AckPolicy, DeliverPolicy } from 'nats';
import { answerTimeoutMs, apiErrorOf, apiErrors } from './connection.ts';
import type { Link } from './link.ts';
import type { Slice } from './topology.ts';

/** Who has a slice of a group, and from where on: what the metadata of its durable consumer says. */
export interface Epoch {
  readonly slice: Slice;
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
 * The durable consumers of one group, one a slice, and a new one each time that a slice changes hands: its name
 * ends with the epoch's number, and the server creates a name once. So one of several takers wins, what the loser still
 * acknowledges or fetches goes nowhere, and the next owner begins where the last one's acknowledgements end, in order,
 * without waiting for anything to be delivered again.
 */
export interface Epochs {
  /** The numbers that each slice has now. */
  list(): Promise<ReadonlyMap<Slice, readonly number[]>>;
  /** Undefined when it is not there any more. */
  read(slice: Slice, number: number): Promise<Epoch | undefined>;
  /** False when it was begun already. */
  begin(epoch: Epoch): Promise<boolean>;
  /** Removes those that count no more; who has them finds out. @returns those that were there; a second remover gets none. */
  end(slice: Slice, numbers: readonly number[]): Promise<readonly number[]>;
  stream(): Promise<StreamState>;
}

/** The stream that the epochs are of. */
export interface StreamState {
  /** When it was made: another one counts from 1 anew. */
  readonly created: string;
  /** The sequence of the last event that it was given. */
  readonly end: number;
}

export interface EpochsOptions {
  readonly link: Link;
  readonly group: string;
  readonly patterns: readonly string[];
  /** What a consumer may have unacknowledged. */
  readonly maxUnacknowledged: number;
  /** Unacknowledged for so long, and not said to be in work, an event comes again. */
  readonly ackWaitMs: number;
}

const key = { owner: 'statewright.owner', floor: 'statewright.floor', handled: 'statewright.handled' };

export function createEpochs(options: EpochsOptions): Epochs {
  const { link, group, patterns } = options;
  const { atMost, connection, jetStream, topology } = link;
  const { stream } = topology;

  async function create({ slice, number, owner, floor, handled }: Epoch): Promise<boolean> {
    try {
      const config = {
        durable_name: topology.consumer(group, slice, number),
        filter_subjects: topology.filters(patterns, slice),
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: floor + 1,
        ack_policy: AckPolicy.Explicit,
        ack_wait: options.ackWaitMs * 1e6,
        // Not the server decides when an event was tried often enough.
        max_deliver: -1,
        max_ack_pending: options.maxUnacknowledged,
        inactive_threshold: link.forgetAfterMs * 1e6,
        metadata: {
          [key.owner]: owner,
          [key.floor]: String(floor),
          [key.handled]: handled.map((sequence) => sequence - floor).join(' '),
        },
      };
      await atMost(() => jetStream.consumers.add(stream, config));
      return true;
    } catch (error) {
      if (apiErrorOf(error) === apiErrors.consumerExists) return false;
      throw error;
    }
  }

  async function read(slice: Slice, number: number): Promise<Epoch | undefined> {
    try {
      const name = topology.consumer(group, slice, number);
      const info = await atMost(() => jetStream.consumers.info(stream, name));
      const metadata = info.config.metadata ?? {};
      const began = Number(metadata[key.floor]) || 0;
      const handled = (metadata[key.handled] ?? '').split(' ').filter((text) => text !== '');
      const floor = Math.max(began, info.ack_floor.stream_seq);
      return {
        slice,
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

  async function remove(slice: Slice, number: number): Promise<boolean> {
    try {
      return await atMost(() => jetStream.consumers.delete(stream, topology.consumer(group, slice, number)));
    } catch (error) {
      if (apiErrorOf(error) === apiErrors.consumerNotFound) return false;
      throw error;
    }
  }

  /** The driver lists consumers with all that is known of them only: too much for many. */
  async function names(offset: number): Promise<{ readonly total: number; readonly names: readonly string[] }> {
    const subject = `${jetStream.getOptions().apiPrefix}.CONSUMER.NAMES.${stream}`;
    const answer = await atMost(() =>
      connection.request(subject, JSON.stringify({ offset }), { timeout: answerTimeoutMs }),
    );
    const { total = 0, consumers, error } = answer.json<NamesAnswer>();
    if (error !== undefined) throw new Error(error.description);
    return { total, names: consumers ?? [] };
  }

  return {
    async list() {
      const found = new Map<Slice, number[]>();
      for (let offset = 0, total = 1; offset < total; ) {
        const page = await names(offset);
        total = page.total;
        offset += Math.max(1, page.names.length);
        for (const name of page.names) {
          const consumer = topology.parseConsumer(group, name);
          if (consumer === undefined) continue;
          found.set(consumer.slice, [...(found.get(consumer.slice) ?? []), consumer.epoch]);
        }
      }
      return found;
    },

    read,

    begin: create,

    async end(slice, numbers) {
      const removed = await Promise.all(numbers.map((number) => remove(slice, number)));
      return numbers.filter((_, at) => removed[at]);
    },

    async stream() {
      const { created, state } = await atMost(() => jetStream.streams.info(stream));
      return { created, end: state.last_seq };
    },
  };
}

interface NamesAnswer {
  readonly total?: number;
  readonly consumers?: readonly string[] | null;
  readonly error?: { readonly description: string };
}
