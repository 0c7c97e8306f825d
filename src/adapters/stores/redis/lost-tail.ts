import type { EventId } from '../../../kernel/message.ts';
import type { Logger } from '../../../ports/telemetry.ts';
import type { Connection } from './connection.ts';
import { decodeStored } from './event-records.ts';
import type { Keys } from './keys.ts';
import { readAtScript } from './read-scripts.ts';

/**
 * Notices that the log lost events which this process was told to be stored: a server that doesn't sync each write to
 * its disk and died, a backup that was restored, a replica that was behind when it took over. What is left holds
 * together, since every write is one script and such losses cut between scripts: positions, streams, claims, command
 * ids, cursors and read models are those of one moment.
 */
export interface LostTail {
  /** Of an event that is in the log. */
  saw(event: SeenEvent): void;
  /** Compares what was seen last with what is there. */
  check(): Promise<void>;
  /** What was lost, as far as this process knows; it stays until the process ends. */
  warning(): string | undefined;
}

interface SeenEvent {
  readonly position: number;
  readonly id: EventId;
}

export function createLostTail(connection: Connection, keys: Keys, logger: Logger): LostTail {
  let seen: SeenEvent | undefined;
  let lost: string | undefined;

  const lose = (before: SeenEvent, found: string) => {
    lost = `The log lost its tail: event ${before.id} was stored at position ${before.position}, and ${found}.`;
    logger.error({ eventId: before.id, position: before.position }, lost);
  };

  return {
    saw({ position, id }) {
      if (seen === undefined || position > seen.position) seen = { position, id };
    },

    async check() {
      if (seen === undefined) return;
      const before = seen;
      const [head, text] = await connection.run<[number, string]>(
        readAtScript,
        [keys.log, keys.events],
        [before.position],
      );
      const id = text === '' ? undefined : decodeStored(text).id;
      if (id === before.id) return;
      lose(before, head < before.position ? `the log now ends at ${head}` : `another event, ${id}, is there now`);
      seen = undefined;
    },

    warning: () => lost,
  };
}
