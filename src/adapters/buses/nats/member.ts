import { nuid } from 'nats';
import type { RecordedEvent } from '../../../kernel/message.ts';
import type { BusConsumer, BusSubscribeOptions } from '../../../ports/event-bus.ts';
import { createDispatcher } from '../dispatch.ts';
import { settledWithin } from '../settled-within.ts';
import { createEpochs, type Epoch } from './epochs.ts';
import type { Link } from './link.ts';
import { createPartitionReader, type PartitionReader } from './partition-reader.ts';
import { createPresence } from './presence.ts';
import { createProgress, type Progress } from './progress.ts';

/** One consumer in its group. */
export interface Member extends BusConsumer {
  /** The connection was lost and is back. */
  reconnected(): void;
}

/** A partition that is ours, or was: whoever takes it over waits for what is in handlers. */
interface Holding {
  readonly number: number;
  readonly progress: Progress;
  readonly reader: PartitionReader;
}

const ackWaitMs = 30_000;
/** How long a newcomer waits for its share before it is content with less for now. */
const settleMs = 2_000;

/**
 * Joins a group: takes its share of the partitions, as many as every other consumer, and fetches what comes there. A
 * partition is one consumer's at a time, and changes hands only when none of it is in a handler; so the order per
 * aggregate holds across consumers and processes.
 * @returns when the group keeps what is published from now on.
 */
export async function joinGroup(
  link: Link,
  { group, patterns, maxInFlight }: BusSubscribeOptions,
  handle: (event: RecordedEvent) => Promise<void>,
): Promise<Member> {
  const { clock, connection, logger, topology, partitions, dispatching } = link;
  const id = nuid.next();
  const held = new Map<number, Holding>();
  /** Stopped, with something still in handlers. */
  const releasing = new Set<number>();
  /** How far we got where we stopped in disorder: better known than by the server. */
  const remembered = new Map<number, Holding>();
  const settled = Promise.withResolvers<void>();
  const maxHeld = dispatching.maxHeld ?? 1_000;
  let closing: Promise<void> | undefined;
  let balancing: Promise<void> | undefined;
  let again = false;

  const dispatcher = createDispatcher({
    ...dispatching,
    clock,
    handle,
    maxInFlight,
    owns(source) {
      const holding = held.get(Number(source));
      if (holding === undefined) return false;
      if (presence.isHeard()) return true;
      queueMicrotask(() => lose(Number(source), 'the server did not bring our own word back'));
      return false;
    },
  });
  const epochs = createEpochs({
    connection,
    jetStream: link.jetStream,
    topology,
    group,
    patterns,
    ackWaitMs,
    maxUnacknowledged: maxHeld * 2,
    forgetAfterMs: link.forgetAfterMs,
  });
  const presence = createPresence({
    connection,
    clock,
    subject: topology.presence(group),
    id,
    onNews: () => void balance(),
  });
  try {
    await balanceOnce();
  } catch (error) {
    presence.leave();
    throw error;
  }
  void balance();
  await settledWithin(clock, settleMs, settled.promise);

  /** Once more when news came meanwhile; what fails is tried again with the next beat. */
  async function balance(): Promise<void> {
    again = true;
    balancing ??= balanceAll();
    await balancing;
    balancing = undefined;
  }

  async function balanceAll(): Promise<void> {
    try {
      while (again && closing === undefined) {
        again = false;
        await balanceOnce();
      }
    } catch (error) {
      logger.debug({ group, error }, 'The group could not be balanced; trying again.');
    }
  }

  async function balanceOnce(): Promise<void> {
    if (!presence.isHeard()) return;
    const others = presence.others();
    const share = Math.ceil(partitions / (others.length + 1));
    giveUp(held.size - share);
    const taken = new Set(others.flatMap((other) => other.partitions));
    const free = Array.from({ length: partitions }, (_, partition) => partition).filter(
      (partition) => !held.has(partition) && !releasing.has(partition) && !taken.has(partition),
    );
    const before = held.size;
    if (free.length > 0 && held.size < share) await takeSome(free, share);
    if (held.size !== before) announce();
    if (held.size >= Math.floor(partitions / (others.length + 1))) settled.resolve();
  }

  /** The least busy ones, so that nobody waits for a handler when there is a choice. */
  function giveUp(excess: number): void {
    if (excess <= 0) return;
    const byWork = [...held.keys()].toSorted((one, other) => dispatcher.held(one) - dispatcher.held(other));
    for (const partition of byWork.slice(0, excess)) void release(partition);
  }

  async function takeSome(free: readonly number[], share: number): Promise<void> {
    const [known, end] = await Promise.all([epochs.list(), epochs.streamEnd()]);
    // Each newcomer begins elsewhere, so that they seldom want the same one.
    const first = Math.floor(Math.random() * free.length);
    const queue = [...free.slice(first), ...free.slice(0, first)];
    // What was never anybody's needs its consumer now: it keeps what is published from now on.
    const fresh = queue.filter((partition) => !known.has(partition));
    const rest = queue.filter((partition) => known.has(partition));
    const mine = share - held.size;
    await Promise.all(
      fresh.map(async (partition, at) => {
        const start = await from(partition, end, { floor: end, handled: [] });
        await take({ partition, number: 1, owner: at < mine ? id : '', ...start }, []);
      }),
    );
    while (rest.length > 0 && held.size < share && closing === undefined) {
      const some = rest.splice(0, share - held.size);
      await Promise.all(some.map((partition) => takeOver(partition, known.get(partition) ?? [], end)));
    }
  }

  async function takeOver(partition: number, numbers: readonly number[], end: number): Promise<void> {
    const number = Math.max(...numbers);
    const epoch = await epochs.read(partition, number);
    if (epoch === undefined) return;
    if (epoch.owner !== '' && epoch.owner !== id && !presence.isGone(epoch.owner)) return;
    await take({ partition, number: number + 1, owner: id, ...(await from(partition, end, epoch, number)) }, numbers);
  }

  /** Where to go on: what we know of our own last epoch is better than what the server knows. */
  async function from(partition: number, end: number, epoch: Pick<Epoch, 'floor' | 'handled'>, number?: number) {
    const own = remembered.get(partition);
    const { floor, handled } =
      own !== undefined && (number === undefined || own.number === number)
        ? { floor: own.progress.floor, handled: own.progress.handled() }
        : epoch;
    // The stream is shorter than that when it was lost and made again.
    if (floor <= end || floor <= (await epochs.streamEnd())) return { floor, handled };
    return { floor: await epochs.streamEnd(), handled: [] };
  }

  async function take(epoch: Epoch, earlier: readonly number[]): Promise<void> {
    if (!(await epochs.begin(epoch, earlier)) || epoch.owner !== id) return;
    const { partition, number } = epoch;
    remembered.delete(partition);
    const progress = createProgress(epoch.floor, epoch.handled);
    const reader = createPartitionReader({
      connection,
      clock,
      logger,
      dispatcher,
      partition,
      progress,
      patterns,
      nextSubject: `${link.jetStream.getOptions().apiPrefix}.CONSUMER.MSG.NEXT.${topology.stream}.${topology.consumer(group, partition, number)}`,
      batch: () => Math.max(1, Math.min(256, Math.floor(maxHeld / Math.max(1, held.size)))),
      maxBytes: link.maxBytes(),
      ackWaitMs,
      onTrouble: (reason) => lose(partition, reason),
    });
    held.set(partition, { number, progress, reader });
  }

  function stopWith(partition: number): Holding | undefined {
    const holding = held.get(partition);
    held.delete(partition);
    holding?.reader.stop();
    return holding;
  }

  /** In order: when nothing of it is in a handler, and the next owner learns what is handled. */
  async function release(partition: number): Promise<void> {
    const holding = stopWith(partition);
    if (holding === undefined) return;
    releasing.add(partition);
    await dispatcher.release(partition);
    const { number, progress } = holding;
    try {
      const epoch = { partition, owner: '', floor: progress.floor, handled: progress.handled() };
      await epochs.begin({ ...epoch, number: number + 1 }, [number]);
    } catch (error) {
      // Still ours by name: we take it back, or who finds us gone does.
      remembered.set(partition, holding);
      logger.debug({ group, partition, error }, 'A partition could not be given up.');
    }
    releasing.delete(partition);
    announce();
  }

  /** In disorder, to take it anew; what is in a handler keeps its place before what comes again. */
  function lose(partition: number, reason: string): void {
    const holding = stopWith(partition);
    if (holding === undefined) return;
    void dispatcher.release(partition);
    remembered.set(partition, holding);
    logger.debug({ group, partition, reason }, 'A partition must be taken anew.');
    void balance();
  }

  function announce(): void {
    presence.announce([...held.keys(), ...releasing]);
  }

  async function leave(): Promise<void> {
    const handled = dispatcher.close();
    await Promise.all([...held.keys()].map(release));
    await balancing;
    await Promise.all([...held.keys()].map(release));
    await handled;
    presence.leave();
  }

  return {
    reconnected() {
      presence.reconnected();
      for (const partition of [...held.keys()]) lose(partition, 'the connection was lost');
      void balance();
    },
    close() {
      closing ??= leave();
      return closing;
    },
  };
}
