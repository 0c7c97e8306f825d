import type { Clock } from '../../../kernel/clock.ts';
import type { RecordedEvent } from '../../../kernel/message.ts';
import type { Logger } from '../../../ports/telemetry.ts';
import { fromStructured } from '../cloud-events.ts';
import type { Dispatcher } from '../dispatch.ts';
import { createAcknowledger } from './acknowledger.ts';
import type { Connection } from './connection.ts';
import { bytesOf, type Entry, fieldOf } from './entries.ts';
import type { Keys, Place } from './keys.ts';

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
  /** Reads the events of this type too, in every partition. The group is there already. */
  addAggregate(aggregate: string): void;
  /** Stops reading it; resolves when nothing of it is in a handler and what was handled is acknowledged. */
  remove(partition: number): Promise<void>;
  /** Forgets it at once: it belongs to another already. */
  drop(partition: number): void;
  has(partition: number): boolean;
  partitions(): readonly number[];
  /** There is something new in these places, or perhaps in any. */
  wake(places?: readonly Place[]): void;
  /** Answers were lost: what was given to this consumer, and never arrived, is fetched again. */
  reclaim(): void;
  /** Acknowledges what is handled. */
  flush(): Promise<void>;
  /** Reads no more. */
  stop(): void;
}

interface Partition {
  readonly number: number;
  /** By type of aggregates. */
  readonly streams: Map<string, Stream>;
  leaving: boolean;
}

interface Stream {
  readonly partition: Partition;
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
}

const first = '0-0';
/** Fetched at once, at most and about. */
const maxEntries = 200;
const maxBytes = 8 * 2 ** 20;
const maxClaimsAtOnce = 16;
/** What a consumer that lost its partition read too late is found after so long. */
const strayMs = 10_000;

export function createGroupReader(options: GroupReaderOptions): GroupReader {
  const { connection, clock, logger, keys, group, member, dispatcher, maxHeld } = options;
  const acknowledger = createAcknowledger(connection, group);
  const owned = new Map<number, Partition>();
  const aggregates = new Set<string>();
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

  function readable(): readonly Stream[] {
    return [...owned.values()].flatMap(({ leaving, streams }) => (leaving ? [] : [...streams.values()]));
  }

  /** @returns whether there may be more to read. */
  async function readSome(): Promise<boolean> {
    const streams = readable();
    const claiming = streams.filter(({ claimFrom }) => claimFrom !== undefined).slice(0, maxClaimsAtOnce);
    const unread = streams.filter((stream) => stream.unread);
    if (claiming.length > 0) await Promise.all(claiming.map((stream) => claim(stream, countFor(claiming.length))));
    else if (unread.length > 0) await readNew(unread);
    return claiming.length + unread.length > 0;
  }

  async function claim(stream: Stream, count: number): Promise<void> {
    const { key, claimIdleMs, claimFrom = first } = stream;
    const [next, entries] = await connection.send<[string, (Entry | null)[]]>(
      ...(['XAUTOCLAIM', key, group, member, claimIdleMs, claimFrom, 'COUNT', count] as const),
    );
    stream.claimFrom = next === first ? undefined : next;
    stream.claimedAtMs = clock.monotonicMs();
    const there = entries.filter((entry) => entry !== null);
    take(stream, there);
  }

  async function readNew(streams: readonly Stream[]): Promise<void> {
    const count = countFor(streams.length);
    for (const stream of streams) stream.unread = false;
    const names = streams.map(({ key }) => key);
    const after = streams.map(() => '>');
    const replies = await connection.send<[string, Entry[]][] | null>(
      ...(['XREADGROUP', 'GROUP', group, member, 'COUNT', count, 'STREAMS', ...names, ...after] as const),
    );
    const byKey = new Map(streams.map((stream) => [stream.key, stream]));
    for (const [key, entries] of replies ?? []) {
      const stream = byKey.get(key);
      if (stream === undefined) continue;
      if (entries.length === count) stream.unread = true;
      take(stream, entries);
    }
  }

  /** How many entries to ask each of so many streams for. */
  function countFor(streams: number): number {
    const room = Math.min(maxHeld - dispatcher.held(), maxBytes / typicalBytes);
    return Math.max(1, Math.min(maxEntries, Math.floor(room / streams)));
  }

  function take(stream: Stream, entries: readonly Entry[]): void {
    const { partition, key, held } = stream;
    // It was given up meanwhile: what was read stays unacknowledged, for who has it next.
    if (partition.leaving || owned.get(partition.number) !== partition) return;
    for (const [id, fields] of entries) {
      if (held.has(id)) continue;
      const bytes = bytesOf(fields);
      typicalBytes = Math.max(bytes, typicalBytes * 0.95);
      const event = eventFor(key, id, fields);
      if (event === undefined) {
        acknowledger.add(key, id);
        continue;
      }
      held.add(id);
      const done = () => acknowledger.add(key, id, () => held.delete(id));
      dispatcher.offer({ event, source: partition.number, bytes, done });
    }
  }

  /** Undefined for what does not concern this group, or is not ours. */
  function eventFor(stream: string, id: string, fields: readonly string[]): RecordedEvent | undefined {
    const type = fieldOf(fields, 'type');
    if (type !== undefined && !options.matches(type)) return undefined;
    const event = fromStructured(fieldOf(fields, 'cloudevent') ?? '');
    if (event === undefined) {
      logger.warn({ group, stream, id }, 'A message on the bus is not one of ours: stepped over.');
    }
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
    for (const { streams } of owned.values()) {
      for (const stream of streams.values()) Object.assign(stream, { claimFrom: first, claimIdleMs: 0, unread: true });
    }
  }

  /** Looks for strays, now and then: whoever was taken for dead may have read something in its last moment. */
  function claimStrays(stream: Stream): void {
    if (stream.claimFrom !== undefined || clock.monotonicMs() < stream.claimedAtMs + strayMs) return;
    stream.claimFrom = first;
    stream.claimIdleMs = strayMs;
  }

  function addStream(partition: Partition, aggregate: string): void {
    partition.streams.set(aggregate, {
      partition,
      key: keys.events({ aggregate, partition: partition.number }),
      held: new Set(),
      claimFrom: first,
      claimIdleMs: 0,
      claimedAtMs: 0,
      unread: true,
    });
  }

  return {
    add(number) {
      const partition: Partition = { number, streams: new Map(), leaving: false };
      owned.set(number, partition);
      for (const aggregate of aggregates) addStream(partition, aggregate);
      wake();
    },
    addAggregate(aggregate) {
      aggregates.add(aggregate);
      for (const partition of owned.values()) addStream(partition, aggregate);
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
    wake(places) {
      if (places === undefined) {
        for (const stream of readable()) {
          stream.unread = true;
          claimStrays(stream);
        }
      } else {
        const concerned = places.map(({ aggregate, partition }) => owned.get(partition)?.streams.get(aggregate));
        if (concerned.every((stream) => stream === undefined)) return;
        for (const stream of concerned) if (stream !== undefined) stream.unread = true;
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
