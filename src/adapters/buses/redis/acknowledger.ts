import type { Connection } from './connection.ts';

/** Acknowledges entries for a group, many at once; what the server did not hear is said again with the next. */
export interface Acknowledger {
  /** @param heard called when the server has it. */
  add(stream: string, id: string, heard?: () => void): void;
  /** Resolves when the server has heard all, or could not be reached. */
  flush(): Promise<void>;
}

interface Handled {
  readonly id: string;
  readonly heard?: (() => void) | undefined;
}

const maxIds = 1_000;

export function createAcknowledger(connection: Connection, group: string): Acknowledger {
  const waiting = new Map<string, Handled[]>();
  let flushing: Promise<void> | undefined;

  function flush(): Promise<void> {
    flushing ??= sendAll().finally(() => {
      flushing = undefined;
    });
    return flushing;
  }

  async function sendAll(): Promise<void> {
    while (waiting.size > 0) {
      const batches = [...waiting];
      waiting.clear();
      const sent = await Promise.all(batches.map(([stream, handled]) => send(stream, handled)));
      if (sent.includes(false)) return;
    }
  }

  async function send(stream: string, handled: readonly Handled[]): Promise<boolean> {
    try {
      for (let at = 0; at < handled.length; at += maxIds) {
        const ids = handled.slice(at, at + maxIds).map(({ id }) => id);
        await connection.send('XACK', stream, group, ...ids);
      }
      for (const { heard } of handled) heard?.();
      return true;
    } catch {
      waiting.set(stream, [...handled, ...(waiting.get(stream) ?? [])]);
      return false;
    }
  }

  return {
    add(stream, id, heard) {
      const handled = waiting.get(stream);
      if (handled === undefined) waiting.set(stream, [{ id, heard }]);
      else handled.push({ id, heard });
      flush();
    },
    flush,
  };
}
