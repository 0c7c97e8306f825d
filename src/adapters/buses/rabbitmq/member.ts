import { randomBytes } from 'node:crypto';
import type { ChannelModel, ConsumeMessage } from 'amqplib';
import { type Clock, sleep } from '../../../kernel/clock.ts';
import type { RecordedEvent } from '../../../kernel/message.ts';
import { type BusSubscribeOptions, matchesPattern } from '../../../ports/event-bus.ts';
import type { Logger } from '../../../ports/telemetry.ts';
import type { BrokerBusOptions } from '../broker-options.ts';
import { createDispatcher } from '../dispatch.ts';
import { settledWithin } from '../settled-within.ts';
import { fromMessage, typeOfMessage } from './messages.ts';
import { createPartitionReader, type PartitionReader } from './partition-reader.ts';
import type { LocalMember, Roster } from './roster.ts';
import { declareGroup, type Names, partitions } from './topology.ts';

export interface MemberOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly names: Names;
  readonly roster: Roster;
  readonly limits: Pick<BrokerBusOptions, 'redeliverAfterMs' | 'maxRedeliverAfterMs'>;
  readonly forgetGroupAfterMs: number;
}

/**
 * A consumer of a group. It registers at the queues that are its share by the roster; the broker lets one consumer at a
 * time be active, the next one when that has left, so that queues are handed over without anybody's asking.
 */
export interface Member {
  /** Joins over this connection; resolves when it has its share, or another takes too long to give it up. */
  join(model: ChannelModel): Promise<void>;
  /** There is a connection again. */
  connected(model: ChannelModel): void;
  /** The connection is gone. */
  disconnected(): void;
  /** Gives up its queues, each when none of it is in a handler, and leaves. Twice is fine. */
  close(): Promise<void>;
}

/** How long who joins waits for its share. */
const maxJoinMs = 1_000;

export function createMember(
  options: MemberOptions,
  { group, patterns, maxInFlight }: BusSubscribeOptions,
  handle: (event: RecordedEvent) => Promise<void>,
): Member {
  const { clock, logger, names, roster, forgetGroupAfterMs } = options;
  const { redeliverAfterMs, maxRedeliverAfterMs } = options.limits;
  const id = `${clock.now().toString(36).padStart(9, '0')}.${randomBytes(8).toString('hex')}`;
  const dispatcher = createDispatcher({ clock, handle, maxInFlight, redeliverAfterMs, maxRedeliverAfterMs });
  const readers = new Map<number, PartitionReader>();
  const opened = new Set<PartitionReader>();
  const closing = new Map<PartitionReader, Promise<void>>();
  const settled = Promise.withResolvers<void>();
  let model: ChannelModel | undefined;
  /** The group's queues are known to be there. */
  let declared = false;
  let generation = 0;
  let leaving = false;
  let left: Promise<void> | undefined;

  const local: LocalMember = {
    presence: () => ({ group, id, partitions: [...readers.keys()], leaving }),
    othersChanged: reconcile,
  };

  /** Consumes what is its share, and no more. */
  function reconcile(): void {
    const sharers = roster.sharers(group);
    const own = sharers.indexOf(id);
    let change = false;
    for (let partition = 0; partition < partitions; partition++) {
      const due = own >= 0 && partition % sharers.length === own;
      const reader = readers.get(partition);
      if (due && reader === undefined && declared && model !== undefined) begin(partition, model);
      else if (!due && reader !== undefined && !closing.has(reader)) giveUp(partition, reader);
      else continue;
      change = true;
    }
    if (change) roster.changed(local);
    settle();
  }

  function begin(partition: number, on: ChannelModel): void {
    const reader = createPartitionReader({
      model: on,
      clock,
      queue: names.queue(group, partition),
      source: `${partition}#${++generation}`,
      dispatcher,
      eventFor,
      lost,
    });
    readers.set(partition, reader);
    reader.open().then(() => {
      opened.add(reader);
      settle();
    }, lost);

    function lost(): void {
      if (readers.get(partition) !== reader) return;
      forget(partition, reader);
      dispatcher.release(reader.source);
      // Each of them is told so when the broker ended all at once: the first makes the queues again.
      if (declared) declare(on);
    }
  }

  function giveUp(partition: number, reader: PartitionReader): void {
    const given = reader.close().then(() => {
      closing.delete(reader);
      if (readers.get(partition) !== reader) return;
      forget(partition, reader);
      roster.changed(local);
      reconcile();
    });
    closing.set(reader, given);
  }

  function forget(partition: number, reader: PartitionReader): void {
    readers.delete(partition);
    opened.delete(reader);
  }

  function settle(): void {
    if (!declared) return;
    const claimed = roster.claims(group, id);
    for (const [partition, reader] of readers) {
      if (!closing.has(reader) && (claimed.has(partition) || !opened.has(reader))) return;
    }
    settled.resolve();
  }

  /** Undefined for what does not concern the group any more, or is not ours. */
  function eventFor(message: ConsumeMessage): RecordedEvent | undefined {
    const type = typeOfMessage(message);
    const matches = (pattern: string) => type !== undefined && matchesPattern(pattern, type.aggregate, type.event);
    if (type !== undefined && !patterns.some(matches)) return undefined;
    const event = fromMessage(message);
    if (event === undefined) {
      const { routingKey } = message.fields;
      logger.warn({ group, routingKey }, 'A message on the bus is not one of ours: stepped over.');
    }
    return event;
  }

  /** Makes the queues, now or as soon as the broker lets it. */
  async function declare(on: ChannelModel): Promise<void> {
    declared = false;
    for (let attempt = 1; model === on && !declared; attempt++) {
      await sleep(clock, Math.min(50 * 2 ** attempt, maxJoinMs));
      await declareOnce(on).catch((error) => {
        logger.debug({ group, error }, 'The queues of a group could not be made.');
      });
    }
  }

  async function declareOnce(on: ChannelModel): Promise<void> {
    await declareGroup(on, { names, group, patterns, forgetAfterMs: forgetGroupAfterMs, logger });
    if (model !== on || declared) return;
    declared = true;
    reconcile();
  }

  async function leave(): Promise<void> {
    leaving = true;
    roster.changed(local);
    reconcile();
    await Promise.all(closing.values());
    model = undefined;
    await dispatcher.close();
    roster.remove(local);
  }

  return {
    async join(on) {
      model = on;
      roster.add(local);
      await declareOnce(on);
      await settledWithin(clock, maxJoinMs, settled.promise);
    },
    connected(on) {
      model = on;
      declare(on);
    },
    disconnected() {
      model = undefined;
      declared = false;
      for (const reader of readers.values()) reader.abandon();
      readers.clear();
      opened.clear();
      // What is in handlers keeps its aggregate's place; the broker gives all of it to somebody again.
      dispatcher.release();
    },
    close() {
      left ??= leave();
      return left;
    },
  };
}
