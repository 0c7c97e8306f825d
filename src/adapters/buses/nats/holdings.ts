import type { Dispatcher } from '../dispatch.ts';
import type { Epoch, Epochs, StreamState } from './epochs.ts';
import type { Link } from './link.ts';
import type { Presence } from './presence.ts';
import { createProgress, type Progress } from './progress.ts';
import { createSliceReader, type SliceReader } from './slice-reader.ts';
import type { Slice } from './topology.ts';

/** What one consumer of a group has of its partitions. */
export interface Holdings {
  /** What it has, those that it is about to give up included. */
  partitions(): readonly number[];
  /** How many it has to keep. */
  count(): number;
  owns(partition: number): boolean;
  /** When it has all of them as one: has them one by one from now on. */
  split(): Promise<void>;
  /** Takes some of what nobody has, until there are `share`. */
  take(free: readonly number[], share: number): Promise<void>;
  /** Gives up so many; the least busy ones, so that nobody waits for a handler when there is a choice. */
  giveUp(excess: number): void;
  /** What the server sent may be lost: everything is to be taken anew. */
  loseAll(reason: string): void;
  /** In order: each when nothing of it is in a handler. */
  releaseAll(): Promise<void>;
}

export interface HoldingsOptions {
  readonly link: Link;
  readonly id: string;
  readonly group: string;
  readonly patterns: readonly string[];
  readonly epochs: Epochs;
  readonly dispatcher: Dispatcher;
  readonly presence: Presence;
  readonly maxHeld: number;
  readonly ackWaitMs: number;
  /** Called when something was lost or given up. */
  readonly onChange: () => void;
}

interface Holding {
  readonly number: number;
  readonly stream: StreamState;
  readonly progress: Progress;
  readonly reader: SliceReader;
}

type Start = Pick<Epoch, 'floor' | 'handled'>;

/**
 * A consumer that is alone has all partitions as one slice: one durable consumer on the server. When another comes, it
 * splits the slice into partitions, for good, and gives up half of them. While there is a slice of all, it alone counts:
 * it is removed as the last step of the split, so that whoever dies between two steps leaves nothing undecided.
 */
export function createHoldings(options: HoldingsOptions): Holdings {
  const { link, id, group, epochs, dispatcher, presence } = options;
  const { logger, topology, partitions } = link;
  const every = Array.from({ length: partitions }, (_, partition) => partition);
  const held = new Map<Slice, Holding>();
  /** Stopped, with something still in handlers. */
  const releasing = new Set<Slice>();
  /** How far we got where we stopped in disorder: better known than by the server. */
  const remembered = new Map<Slice, Holding>();
  const partitionsOf = (slice: Slice) => (slice === 'all' ? every : [slice]);
  const count = () => (held.has('all') ? partitions : held.size);

  async function take(free: readonly number[], share: number): Promise<void> {
    const [known, stream] = await Promise.all([epochs.list(), epochs.stream()]);
    const whole = known.get('all');
    if (whole !== undefined) {
      if (!(await takeOver('all', whole, stream))) return;
      // Left by a split that came to nothing.
      for (const [slice, numbers] of known) if (slice !== 'all') await epochs.end(slice, numbers);
      return;
    }
    if (known.size === 0) {
      const first: Epoch = { slice: 'all', number: 1, owner: id, ...(await start('all', stream)) };
      if (!(await epochs.begin(first))) return;
      const all = [...(await epochs.list()).values()].flat();
      if (all.length === 1) hold(first, stream);
      // Others had it meanwhile, and gave it up or divided it.
      else await epochs.end('all', [1]);
      return;
    }
    // Each newcomer begins elsewhere, so that they seldom want the same one.
    const first = Math.floor(Math.random() * free.length);
    const queue = [...free.slice(first), ...free.slice(0, first)];
    while (queue.length > 0 && count() < share) {
      const some = queue.splice(0, share - count());
      await Promise.all(some.map((partition) => takeOver(partition, known.get(partition) ?? [], stream)));
    }
  }

  /** Begins the next epoch when the last one's owner gave it up, is gone, or is ourselves. */
  async function takeOver(slice: Slice, numbers: readonly number[], stream: StreamState): Promise<boolean> {
    const number = Math.max(0, ...numbers);
    const last = number === 0 ? undefined : await epochs.read(slice, number);
    if (last === undefined && number > 0) return false;
    const owner = last?.owner ?? '';
    if (owner !== '' && owner !== id && !presence.isGone(owner)) return false;
    const next = { slice, number: number + 1, owner: id, ...(await start(slice, stream, last)) };
    if (!(await succeeds(next))) return false;
    hold(next, stream);
    // Left by those who died in between. Not before: whoever just gave the last one up would take us for its successor.
    await epochs.end(slice, numbers);
    return true;
  }

  /**
   * Begins an epoch. Whoever ends the one before it is its successor: a name may be free because all of this happened to
   * others meanwhile, even twice.
   */
  async function succeeds(next: Epoch): Promise<boolean> {
    const { slice, number } = next;
    if (!(await epochs.begin(next))) return false;
    if (number === 1 || (await epochs.end(slice, [number - 1])).length > 0) return true;
    await epochs.end(slice, [number]);
    return false;
  }

  /** Where to go on: what we know of our own last epoch is better than what the server knows. */
  async function start(slice: Slice, stream: StreamState, last?: Epoch): Promise<Start> {
    const own = remembered.get(slice);
    const ours = own !== undefined && (last === undefined || last.number === own.number);
    // In a stream that was made anew, everything is new to us.
    if (ours && own.stream.created !== stream.created) return { floor: 0, handled: [] };
    // A group that is new begins at the end; of one that is not, no partition may be left out.
    const fresh = { floor: slice === 'all' ? stream.end : 0, handled: [] };
    const { floor, handled } = ours ? reached(own.progress) : (last ?? fresh);
    if (floor <= stream.end) return { floor, handled };
    // It went on since we asked; or it lost its tail, and what is published now comes in its place.
    const { end } = await epochs.stream();
    return floor <= end ? { floor, handled } : { floor: end, handled: [] };
  }

  function hold({ slice, number, floor, handled }: Epoch, stream: StreamState): void {
    remembered.delete(slice);
    const progress = createProgress(floor, handled);
    const reader = createSliceReader({
      link,
      dispatcher,
      progress,
      patterns: options.patterns,
      consumer: topology.consumer(group, slice, number),
      batch: () => Math.max(1, Math.min(256, Math.floor(options.maxHeld / Math.max(1, held.size)))),
      ackWaitMs: options.ackWaitMs,
      onTrouble: (reason) => lose(slice, reason),
    });
    held.set(slice, { number, stream, progress, reader });
  }

  function stop(slice: Slice): Holding | undefined {
    const holding = held.get(slice);
    held.delete(slice);
    holding?.reader.stop();
    return holding;
  }

  async function release(slice: Slice): Promise<void> {
    const holding = stop(slice);
    if (holding === undefined) return;
    releasing.add(slice);
    await Promise.all(partitionsOf(slice).map((partition) => dispatcher.release(partition)));
    const { number, progress } = holding;
    try {
      await succeeds({ slice, number: number + 1, owner: '', ...reached(progress) });
    } catch (error) {
      // Still ours by name: we take it back, or who finds us gone does.
      remembered.set(slice, holding);
      logger.debug({ group, slice, error }, 'A slice could not be given up.');
    }
    releasing.delete(slice);
    options.onChange();
  }

  /** In disorder, to take it anew; what is in a handler keeps its place before what comes again. */
  function lose(slice: Slice, reason: string): void {
    const holding = stop(slice);
    if (holding === undefined) return;
    for (const partition of partitionsOf(slice)) void dispatcher.release(partition);
    remembered.set(slice, holding);
    logger.debug({ group, slice, reason }, 'A slice is to be taken anew.');
    options.onChange();
  }

  async function split(): Promise<void> {
    const whole = held.get('all');
    if (whole === undefined || partitions === 1) return;
    const known = await epochs.list();
    lose('all', 'another consumer came');
    const from = reached(whole.progress);
    const numberOf = (slice: Slice) => Math.max(0, ...(known.get(slice) ?? [])) + 1;
    const parts = await Promise.all(every.map((partition) => part(partition, numberOf(partition), from)));
    const ended = await epochs.end('all', [whole.number]);
    remembered.delete('all');
    if (ended.length > 0) for (const epoch of parts) hold(epoch, whole.stream);
    // We were taken for gone, and what we had is another's.
    else await Promise.all(parts.map(({ slice, number }) => epochs.end(slice, [number])));
  }

  /** Its number may be taken by a split of somebody who was taken for gone: that one counts no more. */
  async function part(slice: Slice, number: number, from: Start): Promise<Epoch> {
    const epoch = { slice, number, owner: id, ...from };
    return (await epochs.begin(epoch)) ? epoch : part(slice, number + 1, from);
  }

  return {
    partitions: () => [...held.keys(), ...releasing].flatMap(partitionsOf),
    count,
    owns: (partition) => held.has('all') || held.has(partition),
    split,
    take,
    giveUp(excess) {
      if (excess <= 0 || held.has('all')) return;
      const work = ([slice]: readonly [Slice, Holding]) => (slice === 'all' ? 0 : dispatcher.held(slice));
      const byWork = [...held].toSorted((one, other) => work(one) - work(other));
      for (const [slice] of byWork.slice(0, excess)) void release(slice);
    },
    loseAll(reason) {
      for (const slice of [...held.keys()]) lose(slice, reason);
    },
    async releaseAll() {
      await Promise.all([...held.keys()].map(release));
    },
  };
}

function reached(progress: Progress): Start {
  return { floor: progress.floor, handled: progress.handled() };
}
