import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';

/** The lines of a gzipped text file, in order, one piece of the file in memory at a time.
 * @param limit at most so many lines.
 * @param onBytes told how many bytes of the file were read since the last time.
 * @throws Error when the file can't be read, or isn't gzip. */
export async function* linesOf(
  file: string,
  limit = Number.POSITIVE_INFINITY,
  onBytes: (count: number) => void = () => {},
): AsyncGenerator<string> {
  const packed = createReadStream(file).on('data', (piece) => onBytes(piece.length));
  // A failure of either reaches the reader below, as the end of the last.
  const text = pipeline(packed, createGunzip(), () => {}).setEncoding('utf8');
  let rest = '';
  let count = 0;
  for await (const piece of text as AsyncIterable<string>) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (count === limit) return;
      count += 1;
      yield line;
    }
  }
  if (rest !== '' && count < limit) yield rest;
}
