import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Clock, TimerHandle } from '../../../kernel/clock.ts';
import type { RecordedEvent } from '../../../kernel/message.ts';
import { type BusSubscribeOptions, matchesPattern } from '../../../ports/event-bus.ts';
import type { Logger } from '../../../ports/telemetry.ts';
import type { BrokerBusOptions } from '../broker-options.ts';
import { createDispatcher } from '../dispatch.ts';
import type { Connection } from './connection.ts';
import { createGroupReader } from './group-reader.ts';
import type { Keys, Place } from './keys.ts';
import { beatScript, createGroupScript, forgetConsumersScript, releaseScript } from './scripts.ts';

export interface ConsumerOptions {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly keys: Keys;
  readonly partitions: number;
  readonly limits: Pick<BrokerBusOptions, 'maxHeld' | 'redeliverAfterMs' | 'maxRedeliverAfterMs'>;
  readonly leaseMs: number;
}

/** A member of a group: owns its share of the partitions as long as it shows that it is alive, and reads them alone. */
export interface Consumer {
  readonly group: string;
  /** Joins the group; resolves when it owns its share, or another takes too long to give it up. */
  join(): Promise<void>;
  /** There is something new in these places. */
  wake(places: readonly Place[]): void;
  /** The members of the group changed. */
  rebalance(): void;
  /** The connection was lost and is there again. */
  reconnected(): void;
  /** Gives up each partition as soon as none of it is in a handler, then leaves the group. Twice is fine. */
  close(): Promise<void>;
  /** Ends at once, whatever is in handlers; resolves when the server was told, if it can be. */
  abandon(): Promise<void>;
}

/** How long who joins waits for its share. */
const maxJoinMs = 1_000;

export function createConsumer(
  options: ConsumerOptions,
  { group, patterns, maxInFlight }: BusSubscribeOptions,
  handle: (event: RecordedEvent) => Promise<void>,
): Consumer {
  const { connection, clock, logger, keys, partitions, leaseMs } = options;
  const { maxHeld = 1_000, redeliverAfterMs, maxRedeliverAfterMs } = options.limits;
  const member = `${hostname()}.${process.pid}.${randomBytes(6).toString('hex')}`;
  const aggregates = new Set(patterns.map((pattern) => pattern.slice(0, pattern.indexOf('.'))));
  // Whatever there is, and will be.
  const all = aggregates.delete('*');
  const membership = [keys.members(group), keys.owners(group)];
  const giving = new Map<number, Promise<void>>();
  // By this process's own clock, counted from before the server was asked: it stops before the server lets others in.
  let ownsUntilMs = 0;
  let share = 0;
  let timer: TimerHandle | undefined;
  let beating: Promise<void> | undefined;
  let beatAgain = false;
  let leaving = false;
  let left: Promise<void> | undefined;
  let ended = false;
  const settled = Promise.withResolvers<void>();

  const dispatcher = createDispatcher({
    clock,
    handle,
    maxInFlight,
    maxHeld,
    redeliverAfterMs,
    maxRedeliverAfterMs,
    owns: () => clock.monotonicMs() < ownsUntilMs,
  });
  const reader = createGroupReader({
    connection,
    clock,
    logger,
    keys,
    group,
    member,
    dispatcher,
    maxHeld,
    matches,
    recreateGroup: () => createGroup([...aggregates], '0'),
  });

  function matches(type: string): boolean {
    // A type's own name has no dot.
    const dot = type.indexOf('.');
    return patterns.some((pattern) => matchesPattern(pattern, type.slice(0, dot), type.slice(dot + 1)));
  }

  async function createGroup(types: readonly string[], after: '0' | '$'): Promise<void> {
    const places = types.flatMap((aggregate) =>
      Array.from({ length: partitions }, (_, partition) => keys.events({ aggregate, partition })),
    );
    if (places.length > 0) await connection.run(createGroupScript, places, [group, after]);
  }

  /** Looks for types of aggregates that came meanwhile. */
  async function discover(after: '0' | '$' = '0'): Promise<void> {
    if (!all) return;
    const known = await connection.send<string[]>('SMEMBERS', keys.aggregates);
    const fresh = known.filter((aggregate) => !aggregates.has(aggregate));
    await createGroup(fresh, after);
    for (const aggregate of fresh) {
      if (!aggregates.has(aggregate)) reader.addAggregate(aggregate);
      aggregates.add(aggregate);
    }
  }

  /** One at a time; who asks meanwhile gets one more. @throws what the connection throws */
  function beat(): Promise<void> {
    beatAgain = true;
    beating ??= (async () => {
      try {
        while (beatAgain && !ended) {
          beatAgain = false;
          await beatOnce();
        }
      } finally {
        beating = undefined;
      }
    })();
    return beating;
  }

  async function beatOnce(): Promise<void> {
    const askedAtMs = clock.monotonicMs();
    const [due = 0, ...owned] = await connection.runAtOnce<number[]>(
      beatScript,
      [...membership, keys.groups, keys.partitions],
      [keys.changes, group, member, leaseMs, partitions, leaving ? 1 : 0, ...reader.partitions()],
    );
    if (ended) return;
    const lapsed = clock.monotonicMs() >= ownsUntilMs;
    ownsUntilMs = askedAtMs + leaseMs * 0.8;
    share = due;
    for (const partition of reader.partitions()) {
      // What the dispatcher refused to begin, since it was not sure of it any more, is read again.
      if (lapsed || !owned.includes(partition)) reader.drop(partition);
    }
    if (leaving) return giveUp(reader.partitions().length);
    for (const partition of owned) if (!reader.has(partition) && !giving.has(partition)) reader.add(partition);
    giveUp(owned.length - giving.size - share);
    if (owned.length - giving.size >= share) settled.resolve();
    reader.flush();
  }

  /** Gives up so many partitions, those with the least to do first. */
  function giveUp(surplus: number): void {
    if (surplus <= 0) return;
    const busy = new Map(reader.partitions().map((partition) => [partition, dispatcher.held(partition)]));
    const spare = [...busy.keys()].filter((partition) => !giving.has(partition));
    spare.sort((a, b) => (busy.get(a) ?? 0) - (busy.get(b) ?? 0));
    for (const partition of spare.slice(0, surplus)) {
      const given = give(partition).finally(() => giving.delete(partition));
      giving.set(partition, given);
    }
  }

  async function give(partition: number): Promise<void> {
    await reader.remove(partition);
    const streams = [...aggregates].map((aggregate) => keys.events({ aggregate, partition }));
    await connection
      .run(forgetConsumersScript, [keys.members(group), ...streams], [group, member, leaseMs])
      .catch(() => {});
    // Not heard, it is ours still, until we are taken for dead.
    await connection.runAtOnce(releaseScript, membership, [keys.changes, group, member, 0, partition]).catch(() => {});
  }

  /** Beats for as long as it lives; a beat that fails is logged by the connection, and repeated. */
  function keepBeating(): void {
    if (ended) return;
    timer = clock.setTimeout(async () => {
      connection.checkBell();
      await beat().catch(() => {});
      await discover().catch(() => {});
      reader.wake();
      keepBeating();
    }, leaseMs / 3);
  }

  function end(): void {
    ended = true;
    reader.stop();
    if (timer !== undefined) clock.clearTimeout(timer);
    settled.resolve();
  }

  async function leave(): Promise<void> {
    leaving = true;
    giveUp(reader.partitions().length);
    // Told so, the server lets the others share without it; it stays the owner of what is in its handlers.
    await beat().catch(() => {});
    await Promise.all([...giving.values()]);
    end();
    await dispatcher.close();
    await depart();
  }

  return {
    group,
    async join() {
      // To a group that was there before, what came while nobody read is not old.
      const after = (await connection.send('HEXISTS', keys.groups, group)) === 1 ? '0' : '$';
      await createGroup([...aggregates], after);
      for (const aggregate of aggregates) reader.addAggregate(aggregate);
      await discover(after);
      await beat();
      keepBeating();
      const late = clock.setTimeout(settled.resolve, maxJoinMs);
      await settled.promise;
      clock.clearTimeout(late);
    },
    wake(places) {
      const news = all && places.some(({ aggregate }) => !aggregates.has(aggregate));
      if (news) discover().catch(() => {});
      reader.wake(places);
    },
    rebalance() {
      beat().catch(() => {});
    },
    reconnected() {
      reader.reclaim();
      beat().then(
        () => reader.wake(),
        () => {},
      );
    },
    close() {
      left ??= leave();
      return left;
    },
    abandon() {
      end();
      dispatcher.close();
      return depart();
    },
  };

  /** Leaves the group on the server; not heard, it is taken for dead after a while. */
  async function depart(): Promise<void> {
    await connection.runAtOnce(releaseScript, membership, [keys.changes, group, member, 1]).catch(() => {});
  }
}
