import { Redis } from 'ioredis';
import { messageOf } from '../../../src/adapters/buses/redis/entries.ts';
import { createTally, dataOf, type RawBus } from './load.ts';

/** One stream, one group, one consumer: XADD pipelined, XREADGROUP, XACK of each read. */
export const rawRedis: RawBus = async (address, events, carried) => {
  const messages = events.map((event) => {
    if (carried === 'data') return ['data', dataOf(event)];
    const { type, text } = messageOf(event, 'raw');
    return ['type', type, 'cloudevent', text];
  });
  const writer = new Redis(address);
  const reader = new Redis(address);
  await writer.xgroup('CREATE', 'raw', 'group', '$', 'MKSTREAM');
  const tally = createTally();
  let closed = false;
  const reading = (async () => {
    while (!closed) {
      const found = (await reader.xreadgroup(
        'GROUP',
        'group',
        'me',
        'COUNT',
        500,
        'BLOCK',
        200,
        'STREAMS',
        'raw',
        '>',
      )) as
        | Readonly<Record<string, readonly (readonly [string, unknown])[]>>
        | readonly (readonly [string, readonly (readonly [string, unknown])[]])[]
        | null;
      if (found === null) continue;
      const entries = Object.values(Array.isArray(found) ? Object.fromEntries(found) : found).flat() as [string][];
      await writer.xack('raw', 'group', ...entries.map(([id]) => id));
      tally.add(entries.length);
    }
  })();
  return {
    async publish(from, to) {
      await Promise.all(messages.slice(from, to).map((fields) => writer.xadd('raw', '*', ...fields)));
    },
    consume: tally.more,
    async close() {
      closed = true;
      await reading;
      writer.disconnect();
      reader.disconnect();
    },
  };
};
