import type pg from 'pg';
import { ended } from './connection-end.ts';
import { sqlState } from './postgresql-errors.ts';

/**
 * One connection for statements whose order counts. Each is sent at once, without waiting for the answers to those before
 * it (https://node-postgres.com/features/pipelining): the server does them one after the other, each in a transaction of
 * its own, and never waits for this process in between.
 */
export interface Pipeline {
  /** Rejects as the driver does. What is behind a statement that got no answer has none either. */
  run<Row extends readonly unknown[]>(statement: pg.QueryArrayConfig): Promise<Row[]>;
  /** Once nothing is under way. */
  close(): Promise<void>;
}

/**
 * @param connect gives a client in pipeline mode; called for the first statement, and again after a connection was lost.
 * @param patienceMs how long a statement waits for its answer, once those before it have theirs.
 */
export function createPipeline(connect: () => Promise<pg.Client>, patienceMs: number): Pipeline {
  let current: Promise<pg.Client> | undefined;
  let underWay = 0;

  const open = () => {
    const opening = connect();
    const forget = () => {
      if (current === opening) current = undefined;
    };
    opening.then((client) => client.once('end', forget), forget);
    current = opening;
    return opening;
  };

  return {
    async run<Row extends readonly unknown[]>(statement: pg.QueryArrayConfig) {
      const opened = current ?? open();
      const client = await opened;
      underWay += 1;
      try {
        const timed = { ...statement, query_timeout: underWay * patienceMs };
        return (await client.query<Row>(timed)).rows;
      } catch (error) {
        // After an error of the server's the connection is as good as before; else nobody knows what it is at.
        if (sqlState(error) === undefined) {
          if (current === opened) current = undefined;
          client.connection.stream.destroy();
        }
        throw error;
      } finally {
        underWay -= 1;
      }
    },

    async close() {
      const client = await current?.catch(() => undefined);
      if (client) await ended(client);
    },
  };
}
