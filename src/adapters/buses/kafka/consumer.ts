import type { Admin, KafkaMessage } from 'kafkajs';
import { type Clock, sleep } from '../../../kernel/clock.ts';
import type { RecordedEvent } from '../../../kernel/message.ts';
import { type BusSubscribeOptions, matchesPattern } from '../../../ports/event-bus.ts';
import type { Logger } from '../../../ports/telemetry.ts';
import { createDispatcher, type DispatcherOptions } from '../dispatch.ts';
import { settledWithin } from '../settled-within.ts';
import type { KafkaClient } from './client.ts';
import { createMembership, type FetchedBatch } from './membership.ts';
import { fromKafkaMessage, typeOfMessage } from './messages.ts';
import { committedOffsets, endOffsets, ownedPartitions } from './places.ts';
import { createProgress, type Progress } from './progress.ts';
import type { Claim } from './sharing.ts';

export interface KafkaConsumerOptions {
  readonly topic: string;
  /** The consumer group's name on the cluster. */
  readonly group: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly sessionTimeoutMs: number;
  readonly dispatch: Omit<DispatcherOptions, 'clock' | 'handle' | 'maxInFlight' | 'owns'>;
  readonly client: () => KafkaClient;
  readonly admin: <Result>(work: (admin: Admin) => Promise<Result>) => Promise<Result>;
}

/** A consumer of a group: what it has of the topic, handled in order, and written down. */
export interface KafkaConsumer {
  /** Resolves when it has its share, and the group a place in every partition: from then on nothing is missed. */
  begin(): Promise<void>;
  close(): Promise<void>;
  /** Ends at once; what it handled last may come again to another. */
  cutOff(): void;
}

/**
 * A partition that this consumer has. `opening`: it is not known yet from where. `returning`: the group had given this
 * member up, and it is not known yet whether another went on. `leaving`: only until its handlers end.
 */
interface Share {
  readonly partition: number;
  state: 'opening' | 'live' | 'returning' | 'leaving';
  progress: Progress;
  /** What is written down, as far as it is known. */
  committed: number;
  /** What was last asked to be written down. */
  attempted: number;
}

export function createKafkaConsumer(
  options: KafkaConsumerOptions,
  subscription: BusSubscribeOptions,
  handle: (event: RecordedEvent) => Promise<void>,
): KafkaConsumer {
  const { topic, group, clock, logger } = options;
  const { patterns, maxInFlight } = subscription;
  const shares = new Map<number, Share>();
  const ending = new AbortController();
  const opened = Promise.withResolvers<void>();
  let assigned: ReadonlySet<number> = new Set();
  let assignments = 0;
  let memberId: string | undefined;
  let begun = false;
  let closing = false;
  let commits: Promise<unknown> = Promise.resolve();
  let commitsSoon = false;
  let strangers = 0;
  /** What the group was last told to be busy. When it is not assigned to this consumer, it may be assigned to none. */
  let toldBusy: ReadonlySet<number> = new Set();

  const dispatcher = createDispatcher({
    ...options.dispatch,
    clock,
    handle,
    maxInFlight,
    owns: (source) => isOwn(shares.get(Number(source))),
  });
  const membership = createMembership({ ...options, claim, onAssigned, take });

  function claim(): Omit<Claim, 'memberId'> {
    const busy = [...shares.values()].filter(isBusy).map(({ partition }) => partition);
    toldBusy = new Set(busy);
    return { ...(memberId !== undefined && { knownAs: memberId }), held: [...shares.keys()], busy, leaving: closing };
  }

  const isOwn = (share: Share | undefined) => share?.state === 'live' || share?.state === 'returning';

  const isBusy = (share: Share) =>
    share.state === 'leaving' ||
    (isOwn(share) && (share.committed !== share.progress.next || dispatcher.held(share.partition) > 0));

  function onAssigned(partitions: readonly number[], id: string): void {
    const stayed = id === memberId;
    memberId = id;
    assigned = new Set(partitions);
    assignments += 1;
    for (const share of [...shares.values()]) {
      if (!stayed && share.state === 'live') share.state = 'returning';
      if (share.state === 'leaving' ? stayed : assigned.has(share.partition)) continue;
      if (share.state === 'live') letGo(share);
      else drop(share);
    }
    for (const partition of partitions) {
      const share = shares.get(partition);
      if (share?.state === 'live' && !closing) membership.seek(partition, share.progress.next);
      else membership.pause([partition]);
    }
    open(partitions.filter((partition) => shares.get(partition)?.state !== 'leaving'));
  }

  /** Finds out where to begin, gives the group a place where it has none, and begins. */
  async function open(partitions: readonly number[]): Promise<void> {
    const turn = assignments;
    const outdated = () => turn !== assignments || closing;
    for (const partition of partitions) if (!shares.has(partition)) shares.set(partition, opening(partition));
    while (!outdated()) {
      try {
        const { places, unplaced } = await findPlaces(partitions);
        if (outdated()) return;
        if (unplaced.size > 0) await membership.commit(unplaced);
        if (outdated()) return;
        for (const partition of partitions) {
          const place = places.get(partition);
          if (place === undefined || shares.get(partition)?.state !== 'live')
            begin(partition, place ?? unplaced.get(partition) ?? 0);
        }
        opened.resolve();
        return;
      } catch (error) {
        logger.debug({ group, error }, 'It is not known yet where to begin.');
        await sleep(clock, againAfterMs, ending.signal);
      }
    }
  }

  async function findPlaces(partitions: readonly number[]) {
    const places = await options.admin((admin) => committedOffsets(admin, group, topic));
    const unplaced = partitions.filter((partition) => places.get(partition) === undefined);
    // A new group begins at the end. Later a partition without a place is new itself.
    const ends = unplaced.length === 0 || begun ? undefined : await options.admin((admin) => endOffsets(admin, topic));
    return { places, unplaced: new Map(unplaced.map((partition) => [partition, ends?.get(partition) ?? 0])) };
  }

  function begin(partition: number, place: number): void {
    const share = shares.get(partition) ?? opening(partition);
    shares.set(partition, share);
    const isOurs = place === share.committed || place === share.attempted;
    if (share.state !== 'returning' || !isOurs) {
      dispatcher.release(partition);
      share.progress = createProgress(place);
      share.attempted = place;
    }
    share.committed = place;
    share.state = 'live';
    membership.seek(partition, share.progress.next);
    membership.resume([partition]);
  }

  /** Another may have gone on from what was written down. */
  function drop({ partition }: Share): void {
    dispatcher.release(partition);
    forget(partition);
  }

  function forget(partition: number): void {
    shares.delete(partition);
    if (!assigned.has(partition) && toldBusy.has(partition)) membership.rejoin();
  }

  /** The group takes the partition away: what was begun is finished and written down before anyone else gets it. */
  async function letGo(share: Share): Promise<void> {
    const { partition } = share;
    share.state = 'leaving';
    await dispatcher.release(partition);
    while (shares.get(partition) === share && !(await commit())) await sleep(clock, againAfterMs, ending.signal);
    if (shares.get(partition) !== share) return;
    forget(partition);
    if (assigned.has(partition)) open([partition]);
  }

  async function take(batch: FetchedBatch): Promise<void> {
    const share = shares.get(batch.partition);
    const turn = assignments;
    if (share?.state !== 'live') return;
    // The topic was made anew, or lost its end: what it has now was never seen.
    if (batch.end < share.progress.next) share.progress = createProgress(Number(batch.messages[0]?.offset ?? 0));
    for (const message of batch.messages) {
      const offset = Number(message.offset);
      if (offset >= share.progress.next) {
        while (!dispatcher.hasRoom()) {
          await settledWithin(clock, aliveEveryMs, dispatcher.room());
          await batch.alive();
        }
        if (closing || turn !== assignments) return;
        offer(share, message);
      }
      batch.took(message.offset);
    }
    batch.took(batch.lastOffset);
    await batch.alive();
  }

  function offer({ partition, progress }: Share, message: KafkaMessage): void {
    const offset = Number(message.offset);
    progress.take(offset);
    const done = () => {
      progress.done(offset);
      touch();
    };
    const type = typeOfMessage(message.headers);
    if (type !== undefined && !patterns.some((pattern) => matchesPattern(pattern, type.aggregate, type.event))) {
      done();
      return;
    }
    const event = fromKafkaMessage(message);
    if (event === undefined) {
      strangers += 1;
      logger.warn({ topic, partition, offset, strangers }, 'A message that is not one of ours was stepped over.');
      done();
      return;
    }
    dispatcher.offer({ event, source: partition, bytes: (message.value?.length ?? 0) + heldBytes, done });
  }

  function touch(afterMs = commitAfterMs): void {
    if (commitsSoon) return;
    commitsSoon = true;
    clock.setTimeout(async () => {
      const written = await commit();
      commitsSoon = false;
      if (!written) touch(commitAgainAfterMs);
    }, afterMs);
  }

  /** Writes down how far all is handled. @returns false when that is not known to have succeeded. */
  function commit(): Promise<boolean> {
    const committed = commits.then(async () => {
      const due = [...shares.values()].filter(
        ({ state, progress, committed }) =>
          (state === 'live' || state === 'leaving') && progress.handled() !== committed,
      );
      if (due.length === 0 || ending.signal.aborted) return true;
      const offsets = new Map(due.map(({ partition, progress }) => [partition, progress.handled()]));
      for (const share of due) share.attempted = offsets.get(share.partition) ?? share.attempted;
      try {
        await membership.commit(offsets);
        for (const share of due) share.committed = share.attempted;
        return true;
      } catch (error) {
        logger.debug({ group, error }, 'What was handled could not be written down yet.');
        return false;
      }
    });
    commits = committed;
    return committed;
  }

  /** Members beside this one may still be giving the group its place in their partitions, or letting go of some. */
  async function settled(): Promise<void> {
    for (let looks = 0; looks < maxLooks && !ending.signal.aborted; looks++) {
      if (looks > 0) await sleep(clock, againAfterMs, ending.signal);
      const { places } = await findPlaces([]);
      if (places.values().some((place) => place === undefined)) continue;
      if (looks >= maxLooksForOwners) return;
      const owned = await options.admin((admin) => ownedPartitions(admin, group, topic));
      if (places.keys().every((partition) => owned.has(partition))) return;
    }
  }

  async function close(): Promise<void> {
    closing = true;
    membership.pause([...assigned]);
    const handled = dispatcher.close();
    // Others needn't wait for its handlers to get what none of them has.
    if (!(await settledWithin(clock, aliveEveryMs, handled))) membership.rejoin();
    await handled;
    const left = commit().then(() => membership.leave());
    await settledWithin(clock, maxLeaveMs, left);
    cutOff();
  }

  function cutOff(): void {
    closing = true;
    ending.abort();
    opened.resolve();
    dispatcher.close();
    membership.cutOff();
  }

  let closed: Promise<void> | undefined;
  return {
    async begin() {
      await membership.join();
      await opened.promise;
      await settled();
      begun = true;
    },
    close() {
      closed ??= close();
      return closed;
    },
    cutOff,
  };
}

function opening(partition: number): Share {
  return { partition, state: 'opening', progress: createProgress(0), committed: 0, attempted: 0 };
}

const aliveEveryMs = 200;
const againAfterMs = 200;
const commitAfterMs = 50;
const commitAgainAfterMs = 1_000;
const maxLeaveMs = 3_000;
const maxLooks = 150;
/** Who handles something for long does not let go of it: nobody waits for that. */
const maxLooksForOwners = 10;
/** What a held event takes beside its data, about. */
const heldBytes = 1_000;
