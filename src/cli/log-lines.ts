import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { failure } from '../kernel/errors.ts';
import {
  type LogFileFooter,
  type LogFileHeader,
  type LogLine,
  parseHeader,
  parseLine,
  unreadable,
} from './log-file.ts';

/** The lines of a file or, for `-`, of stdin, without their ends. Only \n ends a line: JSON may hold other separators. */
export async function* linesOf(file: string): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const bytes of bytesOf(file)) {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  } catch (error) {
    throw fileFailure(error, file) ?? error;
  }
  if (rest !== '') yield rest;
}

/** Line by line what is between header and end, which are checked. @throws IMPORT_UNREADABLE */
export async function* readLogFile(
  lines: AsyncIterable<string>,
  onHeader: (header: LogFileHeader) => void = () => {},
): AsyncGenerator<{ readonly line: LogLine; readonly number: number; readonly characters: number }, void, undefined> {
  const sha256 = createHash('sha256');
  const counts = { events: 0, records: 0 };
  let footer: LogFileFooter | undefined;
  let number = 0;
  for await (const text of lines) {
    number += 1;
    if (footer !== undefined) throw unreadable(number, 'nothing after the end', text);
    if (number === 1) onHeader(parseHeader(text));
    else {
      const line = parseLine(text, number);
      if (line.kind === 'end') {
        footer = line;
        continue;
      }
      counts[line.kind === 'event' ? 'events' : 'records'] += 1;
      yield { line, number, characters: text.length };
    }
    sha256.update(`${text}\n`);
  }
  if (number === 0) parseHeader('');
  if (footer === undefined) throw unreadable(number + 1, 'the end of the log', 'the end of the file');
  if (footer.events !== counts.events || footer.records !== counts.records) {
    throw unreadable(number, `${footer.events} events and ${footer.records} records`, JSON.stringify(counts));
  }
  if (footer.sha256 !== sha256.digest('hex')) throw unreadable(number, 'the checksum of the lines', footer.sha256);
}

function bytesOf(file: string): AsyncIterable<Buffer> {
  if (file === '-') return process.stdin;
  const bytes = createReadStream(file);
  if (!file.endsWith('.gz')) return bytes;
  const plain = createGunzip();
  bytes.on('error', (error) => plain.destroy(error));
  return bytes.pipe(plain);
}

function fileFailure(error: unknown, file: string) {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  const { code, message } = error;
  if (typeof code === 'string' && /^(ENOENT|EACCES|EISDIR)$/.test(code)) {
    return failure('INVALID_CONFIGURATION', { expected: `a file at ${file}`, found: message, cause: error });
  }
  if (typeof code === 'string' && code.startsWith('Z_')) {
    return failure('IMPORT_UNREADABLE', { expected: `${file} to be compressed by gzip`, found: message, cause: error });
  }
  return undefined;
}
