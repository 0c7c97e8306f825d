import pg from 'pg';
import { createWatchers, type Watchers } from '../watchers.ts';
import { ended } from './connection-end.ts';
import { quoted } from './schema.ts';

/** Wakes when any process appended, by LISTEN on a connection of its own, made when the first watcher comes. */
export interface Listener extends Watchers {
  close(): Promise<void>;
}

/** Between a lost connection and the next try; doubled after each that fails. */
const firstPauseMs = 250;
const longestPauseMs = 10_000;

/** Readers poll as well, so a lost connection is nobody's failure: it is made again, and then everybody is woken. */
export function createListener(connection: pg.ClientConfig, channel: string): Listener {
  const watchers = createWatchers();
  let client: pg.Client | undefined;
  let timer: NodeJS.Timeout | undefined;
  let pauseMs = firstPauseMs;
  let started = false;
  let closed = false;

  const connect = async () => {
    const own = new pg.Client(connection);
    client = own;
    own.on('notification', () => watchers.wake());
    own.on('error', () => {});
    own.once('end', () => {
      if (closed) return;
      timer = setTimeout(connect, pauseMs).unref();
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
    });
    try {
      await own.connect();
      await own.query(`LISTEN ${quoted(channel)}`);
      pauseMs = firstPauseMs;
      watchers.wake();
    } catch {
      await ended(own);
    }
  };

  return {
    add(wake) {
      if (!started) {
        started = true;
        void connect();
      }
      return watchers.add(wake);
    },

    wake: watchers.wake,

    async close() {
      closed = true;
      clearTimeout(timer);
      if (client) await ended(client);
    },
  };
}
