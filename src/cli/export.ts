import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { Command } from 'commander';
import { isoTime, systemClock } from '../kernel/clock.ts';
import { failure } from '../kernel/errors.ts';
import type { Store } from '../ports/store.ts';
import type { LogRecord } from '../ports/transfer.ts';
import { replayPrefix } from '../runtime/replay-run.ts';
import { retentionCheckpoint } from '../runtime/retention.ts';
import { type LogFileFooter, type LogFileHeader, type LogLine, logFormat, logFormatVersion } from './log-file.ts';
import { type Progress, progressBar } from './progress.ts';
import { withStore } from './store.ts';

export const exportCommand = () =>
  new Command('export')
    .description('write the log to a file of JSON lines, for `import` into another store')
    .argument('[file]', 'compressed when it ends in .gz; without one, it goes to stdout')
    .action(async (file?: string) => {
      const bar = progressBar('export');
      const done = await withStore((store) => exportLog(store, file, bar)).finally(() => bar.end());
      console.error(`${done.events} events and ${done.records} records are exported.`);
    });

/** Writes the log to a file, or to stdout. @throws LOG_MOVED */
export async function exportLog(store: Store, file: string | undefined, bar: Progress) {
  const done = { events: 0, records: 0 };
  await writeTo(file, inChunks(exportLines(store, bar, done)));
  return done;
}

/** A file gets its name when it is whole. */
async function writeTo(file: string | undefined, text: AsyncIterable<string>): Promise<void> {
  const from = Readable.from(text, { objectMode: false });
  if (file === undefined) return pipeline(from, process.stdout, { end: false });
  const part = `${file}.part`;
  try {
    const to = createWriteStream(part, { flush: true });
    await (file.endsWith('.gz') ? pipeline(from, createGzip(), to) : pipeline(from, to));
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

/**
 * The lines of the file. Records are right only if no command was answered while they were read, so that is made sure of;
 * the events up to there may then be read while the log grows.
 * @throws LOG_MOVED
 */
async function* exportLines(store: Store, bar: Progress, done: { events: number; records: number }) {
  const sha256 = createHash('sha256');
  const line = (value: LogFileHeader | LogFileFooter | LogLine) => {
    const text = `${JSON.stringify(value)}\n`;
    sha256.update(text);
    return text;
  };
  const head = await store.events.head();
  const exportedAt = isoTime(systemClock);
  bar.of(head);
  yield line({ format: logFormat, formatVersion: logFormatVersion, provider: store.provider, head, exportedAt });
  for await (const record of store.transfer.records()) {
    if (!isKept(record)) continue;
    done.records += 1;
    yield line(record);
  }
  const now = await store.events.head();
  if (now !== head) throw moved(head, now);
  for await (const event of store.events.readAll({ to: head })) {
    done.events = event.position;
    bar.to(event.position);
    yield line({ kind: 'event', event });
  }
  if (done.events !== head) throw moved(head, done.events);
  yield line({ kind: 'end', events: head, records: done.records, sha256: sha256.copy().digest('hex') });
}

/** Not what is about this store alone, or about a replay that runs in it. */
function isKept(record: LogRecord): boolean {
  if (record.kind === 'checkpoint') return record.name !== retentionCheckpoint;
  return record.kind !== 'cursor' || !record.cursor.subscription.startsWith(replayPrefix);
}

/** Few large pieces cost a stream less than many small ones. */
async function* inChunks(lines: AsyncIterable<string>): AsyncGenerator<string, void, undefined> {
  let chunk = '';
  for await (const line of lines) {
    chunk += line;
    if (chunk.length < 65_536) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}

function moved(head: number, now: number) {
  return failure('LOG_MOVED', {
    expected: `the log to stay at position ${head} while its records are read`,
    found: `position ${now}`,
    remedy: 'Stop the workers, or export again in a quieter moment.',
  });
}
