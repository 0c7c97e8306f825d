import { Command } from 'commander';
import { failure, isFailure } from '../kernel/errors.ts';
import type { EventId, RecordedEvent } from '../kernel/message.ts';
import type { Store } from '../ports/store.ts';
import type { LogRecord } from '../ports/transfer.ts';
import { linesOf, readLogFile } from './log-lines.ts';
import { type Progress, progressBar } from './progress.ts';
import { withStore } from './store.ts';

export const importCommand = () =>
  new Command('import')
    .description('take the log of another store from a file that `export` wrote, while no worker runs')
    .argument('<file>', 'compressed when it ends in .gz; - for stdin')
    .action(async (file: string) => {
      const bar = progressBar('import');
      const done = await withStore((store) => importLog(store, file, bar)).finally(() => bar.end());
      console.log(`${done.events} events and ${done.records} records are imported.`);
    });

/** A part ends after so many lines, or characters. */
const partLines = 500;
const partCharacters = 2_000_000;

/**
 * Into an empty log, or on with the same file where its import was broken off. A file is read twice, so that one that is
 * damaged, or is another log's, is told before anything is stored; stdin cannot be, so it goes into an empty log only.
 * @throws IMPORT_CONFLICT, IMPORT_UNREADABLE
 */
export async function importLog(store: Store, file: string, bar: Progress) {
  const there = await store.events.head();
  if (file !== '-') await checkBefore(store, file, there);
  else if (there > 0) throw notEmpty('an empty log, when it comes from stdin', `${there} events`);

  const done = { events: 0, records: 0 };
  let events: RecordedEvent[] = [];
  let records: LogRecord[] = [];
  let characters = 0;
  let first = 2;

  async function restore(last: number): Promise<void> {
    try {
      await store.transfer.restore({ events, records });
    } catch (error) {
      if (!isFailure(error)) throw error;
      const { found, ...explanation } = error.explanation;
      const where = `lines ${first} to ${last} of the file`;
      throw failure(error.code, {
        ...explanation,
        found: found === undefined ? where : `${found} in ${where}`,
        details: { ...explanation.details, line: first, lastLine: last },
        cause: error,
      });
    }
    done.events += events.length;
    done.records += records.length;
    bar.to(done.events);
    [events, records, characters, first] = [[], [], 0, last + 1];
  }

  let last = 1;
  for await (const { line, number, characters: length } of readLogFile(linesOf(file), ({ head }) => bar.of(head))) {
    if (line.kind === 'event') events.push(line.event);
    else records.push(line);
    characters += length;
    last = number;
    if (events.length + records.length >= partLines || characters >= partCharacters) await restore(last);
  }
  await restore(last);
  return done;
}

/** That the file is whole, and begins with what the log holds. */
async function checkBefore(store: Store, file: string, there: number): Promise<void> {
  const [last] = there === 0 ? [] : await Array.fromAsync(store.events.readAll({ after: there - 1, to: there }));
  let found: EventId | undefined;
  for await (const { line } of readLogFile(linesOf(file))) {
    if (line.kind === 'event' && line.event.position === there) found = line.event.id;
  }
  if (found === last?.id) return;
  throw notEmpty('an empty log, or one that this file began', `${there} events that are not all in the file`);
}

function notEmpty(expected: string, found: string) {
  return failure('IMPORT_CONFLICT', { expected, found, remedy: 'Import into an empty store.' });
}
