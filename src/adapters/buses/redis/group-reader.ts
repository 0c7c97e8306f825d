import type { Clock } from '../../../kernel/clock.ts';
import type { RecordedEvent } from '../../../kernel/message.ts';
import type { Logger } from '../../../ports/telemetry.ts';
import { fromStructured } from '../cloud-events.ts';
import type { Dispatcher } from '../dispatch.ts';
import { createAcknowledger } from './acknowledger.ts';
import type { Connection } from './connection.ts';
import { bytesOf, type Entry, fieldOf } from './entries.ts';
import type { Keys } from './keys.ts';

export interface GroupReaderOptions {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly keys: Keys;
  readonly group: string;
  /** The name of the consumer on the server. */
  readonly member: string;
  readonly dispatcher: Dispatcher;
  readonly maxHeld: number;
  /** @param type `Aggregate.Event` */
  matches(type: string): boolean;
  /** Makes the group anew on every stream, from its first entry. */
  recreateGroup(): Promise<void>;
}

/** Reads the partitions that a consumer owns into its dispatcher: first what others left unacknowledged, then what is new. */
export interface GroupReader {
  /** Begins to read a partition. */
  add(partition: number): void;
  /** Stops reading it; resolves when nothing of it is in a handler and what was handled is acknowledged. */
  remove(partition: number): Promise<void>;
  /** Forgets it at once: it belongs to another already. */
  drop(partition: number): void;
  has(partition: number): boolean;
  partitions(): readonly number[];
  /** There is something new in these, or perhaps in any. */
  wake(partitions?: readonly number[]): void;
  /** Answers were lost: what was given to this consumer, and never arrived, is fetched again. */
  reclaim(): void;
  /** Acknowledges what is handled. */
  flush(): Promise<void>;
  /** Reads no more. */
  stop(): void;
}

interface Partition {
  readonly number: number;
  readonly key: string;
  /** Ids of the entries that the dispatcher has, or whose acknowledgement the server has not heard. */
  readonly held: Set<string>;
  /** Where to go on claiming what is unacknowledged; undefined when that is done. */
  claimFrom: string | undefined;
  /** Only what is unacknowledged for so long is claimed. */
  claimIdleMs: number;
  claimedAtMs: number;
  /** There may be new entries. */
  unread: boolean;
  leaving: boolean;
}

const first = '0-0';
const maxCount = 200;
/** What a consumer that lost its partition read too late is found after so long. */
const strayMs = 10_000;

export function createGroupReader(options: GroupReaderOptions): GroupReader {
  const { connection, clock, logger, keys, group, member, dispatcher, maxHeld } = options;
  const acknowledger = createAcknowledger(connection, group);
  const owned = new Map<number, Partition>();
  // Bytes of an entry as lately seen, so that a few large ones are not fetched by the hundred.
  let typicalBytes = 32 * 1024;
  let reading = false;
  let stepping: Promise<unknown> | undefined;
  let again = false;
  let stopped = false;

  async function wake(): Promise<void> {
    again = true;
    if (reading) return;
    reading = true;
    while (again && !stopped) {
      again = false;
      try {
        for (let more = true; more && !stopped; ) {
          await dispatcher.room();
          const step = readSome();
          stepping = step.catch(() => {});
          more = await step;
        }
      } catch (error) {
        await recover(error);
      }
    }
    reading = false;
  }

  /** @returns whether there is more to read. */
  async function readSome(): Promise<boolean> {
    const readable = [...owned.values()].filter(({ leaving }) => !leaving);
    const claiming = readable.find(({ claimFrom }) => claimFrom !== undefined);
    if (claiming !== undefined) {
      await claim(claiming, claiming.claimFrom ?? first);
      return true;
    }
    const unread = readable.filter((partition) => partition.unread);
    if (unread.length === 0) return false;
    await readNew(unread);
    return true;
  }

  async function claim(partition: Partition, from: string): Promise<void> {
    const { key, claimIdleMs } = partition;
    const count = countFor(1);
    const [next, entries] = await connection.send<[string, (Entry | null)[]]>(
      ...(['XAUTOCLAIM', key, group, member, claimIdleMs, from, 'COUNT', count] as const),
    );
    partition.claimFrom = next === first ? undefined : next;
    partition.claimedAtMs = clock.monotonicMs();
    take(
      partition,
      entries.filter((entry) => entry !== null),
    );
  }

  async function readNew(partitions: readonly Partition[]): Promise<void> {
    const count = countFor(partitions.length);
    for (const partition of partitions) partition.unread = false;
    const streams = partitions.map(({ key }) => key);
    const after = partitions.map(() => '>');
    const replies = await connection
      .send<[string, Entry[]][] | null>(
        ...(['XREADGROUP', 'GROUP', group, member, 'COUNT', count, 'STREAMS', ...streams, ...after] as const),
      )
      .catch((error: unknown) => {
        for (const partition of partitions) partition.unread = true;
        throw error;
      });
    for (const [key, entries] of replies ?? []) {
      const partition = partitions.find((one) => one.key === key);
      if (partition === undefined) continue;
      if (entries.length === count) partition.unread = true;
      take(partition, entries);
    }
  }

  function countFor(partitions: number): number {
    const byNumber = maxHeld - dispatcher.held();
    const byBytes = maxReadBytes / typicalBytes;
    return Math.max(1, Math.min(maxCount, Math.floor(Math.min(byNumber, byBytes) / partitions)));
  }

  function take(partition: Partition, entries: readonly Entry[]): void {
    // It was given up meanwhile: what was read stays unacknowledged, for who has it next.
    if (partition.leaving || owned.get(partition.number) !== partition) return;
    for (const [id, fields] of entries) {
      if (partition.held.has(id)) continue;
      const bytes = bytesOf(fields);
      typicalBytes = Math.max(bytes, typicalBytes * 0.95);
      const event = eventFor(partition.key, id, fields);
      if (event === undefined) {
        acknowledger.add(partition.key, id);
        continue;
      }
      partition.held.add(id);
      const done = () => acknowledger.add(partition.key, id, () => partition.held.delete(id));
      dispatcher.offer({ event, source: partition.number, bytes, done });
    }
  }

  /** Undefined for what does not concern this group, or is not ours. */
  function eventFor(stream: string, id: string, fields: readonly string[]): RecordedEvent | undefined {
    const type = fieldOf(fields, 'type');
    if (type !== undefined && !options.matches(type)) return undefined;
    const event = fromStructured(fieldOf(fields, 'cloudevent') ?? '');
    if (event === undefined)
      logger.warn({ group, stream, id }, 'A message on the bus is not one of ours: stepped over.');
    return event;
  }

  async function recover(error: unknown): Promise<void> {
    if (String((error as Error).message).includes('NOGROUP')) {
      logger.warn({ group }, 'The server forgot a group: it begins anew with what the streams hold.');
      await options.recreateGroup().then(
        () => {
          again = true;
        },
        () => {},
      );
    }
    // Whatever else: the next beat, or the connection when it is back, goes on.
    reclaim();
  }

  function reclaim(): void {
    for (const partition of owned.values()) {
      partition.claimFrom = first;
      partition.claimIdleMs = 0;
      partition.unread = true;
    }
  }

  return {
    add(number) {
      owned.set(number, {
        number,
        key: keys.stream(number),
        held: new Set(),
        claimFrom: first,
        claimIdleMs: 0,
        claimedAtMs: 0,
        unread: true,
        leaving: false,
      });
      wake();
    },
    async remove(number) {
      const partition = owned.get(number);
      if (partition === undefined) return;
      partition.leaving = true;
      const released = dispatcher.release(number);
      // What is being read may be of it: it must be on the server's list before another looks there.
      await stepping;
      await released;
      if (owned.get(number) === partition) owned.delete(number);
      await acknowledger.flush();
    },
    drop(number) {
      owned.delete(number);
      dispatcher.release(number);
    },
    has: (number) => owned.has(number),
    partitions: () => [...owned.keys()],
    wake(partitions) {
      const nowMs = clock.monotonicMs();
      for (const partition of owned.values()) {
        if (partitions !== undefined && !partitions.includes(partition.number)) continue;
        partition.unread = true;
        const claiming = partition.claimFrom !== undefined;
        if (claiming || partitions !== undefined || nowMs < partition.claimedAtMs + strayMs) continue;
        partition.claimFrom = first;
        partition.claimIdleMs = strayMs;
      }
      wake();
    },
    reclaim() {
      reclaim();
      wake();
    },
    flush: acknowledger.flush,
    stop() {
      stopped = true;
    },
  };
}

/** Fetched at once, about. */
const maxReadBytes = 8 * 2 ** 20;
