import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { createWatchers } from '../watchers.ts';
import type { Connection } from './connection.ts';
import type { Keys } from './keys.ts';

/** Who wants to know that events became visible, whichever process appended them. */
export interface Wakes {
  add(wake: () => void): () => void;
  /** After an append of this process, whose last event is at this position. */
  wake(position: number): void;
  close(): void;
}

/** So long one command waits at the server; who never hears from it, though nothing broke, is noticed soon after. */
const blockMs = 2_000;
const retryMs = 200;

type AppendsReply = [[key: string, entries: [[id: string, fields: string[]]]]] | null;

/**
 * Waits on a connection of its own, which is there while anybody watches. It waits for an append behind the last it
 * knows of, so none is missed between two waits.
 */
export function createWakes(connection: Connection, keys: Keys): Wakes {
  const watchers = createWatchers();
  let watching = 0;
  let waiting: Redis | undefined;
  let following = false;
  let woken = 0;

  const followOnce = async (redis: Redis) => {
    for (let after = '0-0'; watching > 0; ) {
      const reply = await redis.call('XREAD', 'BLOCK', blockMs, 'STREAMS', keys.appends, after);
      const id = (reply as AppendsReply)?.[0][1][0][0];
      if (id === undefined) continue;
      after = id;
      const position = Number.parseInt(id, 10);
      if (position <= woken) continue;
      woken = position;
      watchers.wake();
    }
  };

  const follow = async () => {
    if (following) return;
    following = true;
    while (watching > 0) {
      waiting = connection.forBlocking(blockMs);
      await followOnce(waiting).catch(() => {});
      waiting.disconnect();
      // A log that lost its tail has smaller positions.
      woken = 0;
      if (watching > 0) await delay(retryMs, undefined, { ref: false });
    }
    following = false;
  };

  return {
    add(wake) {
      const remove = watchers.add(wake);
      watching += 1;
      void follow();
      let isOver = false;
      return () => {
        if (isOver) return;
        isOver = true;
        remove();
        watching -= 1;
        if (watching === 0) waiting?.disconnect();
      };
    },

    wake(position) {
      woken = Math.max(woken, position);
      watchers.wake();
    },

    close() {
      watching = 0;
      waiting?.disconnect();
    },
  };
}
