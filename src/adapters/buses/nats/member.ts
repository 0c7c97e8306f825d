import { nuid } from 'nats';
import type { RecordedEvent } from '../../../kernel/message.ts';
import type { BusConsumer, BusSubscribeOptions } from '../../../ports/event-bus.ts';
import { createDispatcher } from '../dispatch.ts';
import { settledWithin } from '../settled-within.ts';
import { createEpochs } from './epochs.ts';
import { createHoldings } from './holdings.ts';
import type { Link } from './link.ts';
import { createPresence } from './presence.ts';

/** One consumer in its group. */
export interface Member extends BusConsumer {
  /** The connection was lost and is back. */
  reconnected(): void;
}

const ackWaitMs = 30_000;
/** How long a newcomer waits for its share before it is content with less for now. */
const settleMs = 5_000;
/** How long one that leaves waits for its handlers before it gives up its partitions one by one. */
const handlersMs = 500;

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
  const { maxHeld = 1_000 } = dispatching;
  const id = nuid.next();
  const settled = Promise.withResolvers<void>();
  let closing: Promise<void> | undefined;
  let balancing: Promise<void> | undefined;
  let again = false;
  let fault: unknown;

  const dispatcher = createDispatcher({
    ...dispatching,
    clock,
    handle,
    maxInFlight,
    owns(source) {
      if (presence.isHeard()) return holdings.owns(Number(source));
      queueMicrotask(() => holdings.loseAll('the server did not bring our own word back'));
      return false;
    },
  });
  const epochs = createEpochs({ link, group, patterns, ackWaitMs, maxUnacknowledged: maxHeld * 2 });
  const subject = topology.presence(group);
  const presence = createPresence({ connection, clock, subject, id, onNews: () => void balance() });
  const onChange = () => {
    presence.announce(holdings.partitions());
    void balance();
  };
  const holdings = createHoldings({
    ...{ link, id, group, patterns, epochs, dispatcher, presence, maxHeld, ackWaitMs, onChange },
  });
  // The beat calls it again; a server that does not answer at all is the caller's to hear of.
  await balance();
  if (fault !== undefined) {
    closing = leave();
    await closing;
    throw fault;
  }
  await settledWithin(clock, settleMs, settled.promise);

  /** Once more when news came meanwhile; what fails is tried again with the next beat. */
  async function balance(): Promise<void> {
    again = true;
    balancing ??= balanceAll();
    await balancing;
  }

  async function balanceAll(): Promise<void> {
    try {
      while (again && closing === undefined) {
        again = false;
        await balanceOnce();
      }
      fault = undefined;
    } catch (error) {
      fault = error;
      logger.debug({ group, error }, 'The group could not be balanced; trying again.');
    }
    balancing = undefined;
  }

  async function balanceOnce(): Promise<void> {
    if (!presence.isHeard()) return;
    const others = presence.others();
    const share = shareOf(
      id,
      others.map((other) => other.id),
      partitions,
    );
    if (others.length > 0) await holdings.split();
    holdings.giveUp(holdings.count() - share);
    const taken = new Set([...holdings.partitions(), ...others.flatMap((other) => other.partitions)]);
    const free = Array.from({ length: partitions }, (_, partition) => partition).filter((one) => !taken.has(one));
    if (free.length > 0 && holdings.count() < share) {
      await holdings.take(free, share);
      presence.announce(holdings.partitions());
    }
    if (holdings.count() >= share) settled.resolve();
  }

  async function leave(): Promise<void> {
    const handled = dispatcher.close();
    await balancing;
    // Whoever takes over need not wait for the slowest handler of all.
    if (!(await settledWithin(clock, handlersMs, handled))) await holdings.split().catch(() => {});
    await holdings.releaseAll();
    await handled;
    presence.leave();
  }

  return {
    reconnected() {
      presence.reconnected();
      holdings.loseAll('the connection was lost');
      void balance();
    },
    close() {
      closing ??= leave();
      return closing;
    },
  };
}

/** As many as everybody else; what is left over goes to the first by id, one each. */
function shareOf(id: string, others: readonly string[], partitions: number): number {
  const members = others.length + 1;
  const rank = others.filter((other) => other < id).length;
  return Math.floor(partitions / members) + (rank < partitions % members ? 1 : 0);
}
