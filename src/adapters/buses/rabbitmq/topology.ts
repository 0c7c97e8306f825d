import { randomUUID } from 'node:crypto';
import type { Channel, ChannelModel } from 'amqplib';
import type { Logger } from '../../../ports/telemetry.ts';

/**
 * How many queues a group has: so many consumers can share its work. The same for ever: publishers of another number would
 * reach no queue with some of their events.
 */
export const partitions = 8;

/** The names of everything on the broker. */
export interface Names {
  /** Topic exchange; the routing key is `Aggregate.Event`. */
  readonly events: string;
  /** Fanout exchange: consumers tell each other that they are there. */
  readonly members: string;
  /** Headers exchange that hands a group's events to its queues by the header `partition`. */
  group(group: string): string;
  queue(group: string, partition: number): string;
}

export function namesOf(namespace: string): Names {
  const ofGroup = (group: string) => `${namespace}.group.${group}`;
  return {
    events: `${namespace}.events`,
    members: `${namespace}.members`,
    group: ofGroup,
    queue: (group, partition) => `${ofGroup(group)}.${partition}`,
  };
}

export async function declareExchanges(channel: Channel, { events, members }: Names): Promise<void> {
  await channel.assertExchange(events, 'topic', { durable: true });
  await channel.assertExchange(members, 'fanout', { durable: true });
}

export interface GroupOptions {
  readonly names: Names;
  readonly group: string;
  /** Of events: `Aggregate.Event`, with `*` for a part, as a topic exchange has it too. */
  readonly patterns: readonly string[];
  readonly forgetAfterMs: number;
  readonly logger: Logger;
}

/** Makes what the group needs and is not there: it keeps from now on what matches the patterns. */
export async function declareGroup(model: ChannelModel, options: GroupOptions): Promise<void> {
  const { names, group, logger } = options;
  const queueArguments = {
    'x-queue-type': 'quorum',
    'x-single-active-consumer': true,
    'x-expires': options.forgetAfterMs,
    // From 4.0 on a message is dropped that came twenty times, unless told not to.
    ...(majorVersionOf(model) >= 4 ? { 'x-delivery-limit': -1 } : {}),
  };
  const known = await isThere(model, names.queue(group, partitions - 1));
  try {
    await declare((channel, queue) => channel.assertQueue(queue, { durable: true, arguments: queueArguments }));
  } catch (error) {
    if (!isInequivalent(error)) throw error;
    logger.warn({ group, error }, 'Queues that were made with other options stay as they are.');
    await declare((channel, queue) => channel.checkQueue(queue));
  }
  if (!known) await seal(model, names.group(group));

  async function declare(ensure: (channel: Channel, queue: string) => Promise<unknown>): Promise<void> {
    await withChannel(model, async (channel) => {
      // It goes with its last queue, so that a forgotten group leaves nothing.
      await channel.assertExchange(names.group(group), 'headers', { durable: true, autoDelete: true });
      for (let partition = 0; partition < partitions; partition++) {
        const queue = names.queue(group, partition);
        await ensure(channel, queue);
        const header = { 'x-match': 'all', partition: String(partition) };
        await channel.bindQueue(queue, names.group(group), '', header);
      }
      await channel.assertExchange(names.events, 'topic', { durable: true });
      for (const pattern of options.patterns) await channel.bindExchange(names.group(group), names.events, pattern);
    });
  }
}

async function isThere(model: ChannelModel, queue: string): Promise<boolean> {
  try {
    await withChannel(model, (channel) => channel.checkQueue(queue));
    return true;
  } catch (error) {
    if (error instanceof Error && error.message.includes('NOT_FOUND')) return false;
    throw error;
  }
}

/**
 * A broker killed within seconds forgets where the quorum queue lies that was made last, and that queue never confirms
 * anything any more (seen of 3.10.8: Ra's `names.dets` is written late). So the last one is made to be removed.
 */
async function seal(model: ChannelModel, prefix: string): Promise<void> {
  await withChannel(model, async (channel) => {
    const queue = `${prefix}.seal.${randomUUID()}`;
    await channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum', 'x-expires': 60_000 } });
    await channel.deleteQueue(queue);
  });
}

/** On a channel of its own: what the broker refuses closes the channel. */
async function withChannel(model: ChannelModel, work: (channel: Channel) => Promise<unknown>): Promise<void> {
  const channel = await model.createChannel();
  channel.on('error', () => {});
  await work(channel);
  await channel.close();
}

function majorVersionOf({ connection }: ChannelModel): number {
  return Number.parseInt(connection.serverProperties.version, 10);
}

function isInequivalent(error: unknown): boolean {
  return error instanceof Error && error.message.includes('inequivalent arg');
}
