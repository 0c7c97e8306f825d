import { Command } from 'commander';
import { sleep, systemClock } from '../kernel/clock.ts';
import type { LogFilter } from '../ports/event-store.ts';
import type { Processor } from '../runtime/processor.ts';
import { withProcessor } from './application.ts';
import { pattern, whole } from './arguments.ts';
import { printLine } from './lines.ts';
import { untilSignal } from './shutdown.ts';

interface Options extends Pick<LogFilter, 'after' | 'pattern' | 'limit' | 'correlationId'> {
  readonly follow?: boolean;
}

export const eventsCommand = () =>
  new Command('events')
    .description('print the log, one event a line, as JSON')
    .option('--after <position>', 'events after this position', whole(0))
    .option('--limit <number>', 'so many at most', whole(1))
    .option('--pattern <pattern>', 'such as User.* or *.OrderPlaced', pattern)
    .option('--correlation-id <id>', 'what one first cause set in motion')
    .option('--follow', 'go on with what is appended, until interrupted')
    .action(async ({ follow, ...filter }: Options, command: Command) => {
      await withProcessor(command, async (processor) => {
        let rest = await print(processor, filter);
        if (!follow) return;
        const stop = untilSignal();
        while (!stop.aborted && rest.limit !== 0) {
          await appended(processor, stop);
          rest = await print(processor, rest);
        }
      });
    });

/** Prints what there is, and returns the filter of what is not there yet. */
async function print({ log }: Processor, filter: LogFilter): Promise<LogFilter> {
  const to = await log.head();
  if (to <= (filter.after ?? 0)) return filter;
  let count = 0;
  for await (const event of log.readAll({ ...filter, to })) {
    await printLine(event);
    count += 1;
  }
  return { ...filter, after: to, ...(filter.limit === undefined ? {} : { limit: filter.limit - count }) };
}

/** Another process's appends may wake nobody here: so it looks twice a second too. */
async function appended({ log }: Processor, stop: AbortSignal): Promise<void> {
  const woken = new AbortController();
  const forget = log.watch(() => woken.abort());
  await sleep(systemClock, 500, AbortSignal.any([woken.signal, stop]));
  forget();
}
