import type { ServerResponse } from 'node:http';
import { type Clock, sleep } from '../kernel/clock.ts';
import type { LogFilter } from '../ports/event-store.ts';
import type { Processor } from '../runtime/processor.ts';
import { eventJson } from './event-json.ts';
import { watchLog } from './wait-for.ts';

export interface EventStreamSettings {
  /** A comment is sent when nothing was sent for so long, so that proxies keep the connection. Default 15 s. */
  readonly heartbeatMs: number;
  /** A look at the log when no watch called. Default 1 s. */
  readonly pollMs: number;
  /** A client that takes nothing for so long is let go; it may resume. Default 60 s. */
  readonly stallMs: number;
  /** Streams open at once. Default 1,000. */
  readonly maxStreams: number;
}

export const defaultEventStreamSettings: EventStreamSettings = {
  heartbeatMs: 15_000,
  pollMs: 1_000,
  stallMs: 60_000,
  maxStreams: 1_000,
};

/**
 * Writes the log after `filter.after` as Server-Sent Events, then what is appended, until `signal` aborts. The id of
 * each is its position, so a client resumes after the last one it saw without loss or repeat. Only as much is read as
 * the client takes: a slow one costs one slice of the log, no more.
 */
export async function streamEvents(
  response: ServerResponse,
  log: Processor['log'],
  filter: LogFilter & { readonly after: number },
  { clock, signal, ...settings }: EventStreamSettings & { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  const changes = watchLog(log);
  let { after } = filter;
  let quietSince = clock.monotonicMs();
  const write = async (text: string) => {
    quietSince = clock.monotonicMs();
    return response.write(text) || (await drained(response, clock, settings.stallMs, signal));
  };
  try {
    if (!(await write('retry: 1000\n\n'))) return;
    while (!signal.aborted) {
      // Up to a fixed head: what a filter leaves out is then not read again.
      const head = await log.head();
      if (head > after) {
        for await (const event of log.readAll({ ...filter, after, to: head })) {
          if (!(await write(`id: ${event.position}\ndata: ${JSON.stringify(eventJson(event))}\n\n`))) return;
        }
        after = head;
      }
      if (clock.monotonicMs() - quietSince >= settings.heartbeatMs && !(await write(':\n\n'))) return;
      await changes.next(clock, Math.min(settings.pollMs, settings.heartbeatMs), signal);
    }
  } finally {
    changes.end();
  }
}

/** True when the client has taken what was written; false when it went away, or took nothing for too long. */
async function drained(response: ServerResponse, clock: Clock, stallMs: number, signal: AbortSignal): Promise<boolean> {
  const drain = new AbortController();
  const onDrain = () => drain.abort();
  response.once('drain', onDrain);
  await sleep(clock, stallMs, AbortSignal.any([drain.signal, signal]));
  response.off('drain', onDrain);
  if (drain.signal.aborted) return !signal.aborted;
  response.destroy();
  return false;
}
