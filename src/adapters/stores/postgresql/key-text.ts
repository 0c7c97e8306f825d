import { createHash } from 'node:crypto';

/** A text as PostgreSQL can hold it: without U+0000 and halves of surrogate pairs, which become U+FFFD. */
export function storable(text: string): string {
  return (text.includes('\0') ? text.replaceAll('\0', '\ufffd') : text).toWellFormed();
}

/** What a B-tree takes of one column, with room for others: https://www.postgresql.org/docs/current/btree.html */
const maxKeyBytes = 600;
const prefixUnits = 120;

/**
 * The text as it stands in an index: itself, unless PostgreSQL can't hold it, or it is too long for an index: then its
 * beginning and a hash. Equal texts have equal keys, and different texts different ones; short ones order by their bytes.
 */
export function keyText(text: string): string {
  if (isPlain(text)) return text;
  const hash = createHash('sha256').update(text, 'utf16le').digest('base64url');
  return `${storable(text.slice(0, prefixUnits))}\u2026${hash}`;
}

/** Whether the key is the text itself. */
export function isPlain(text: string): boolean {
  // A UTF-16 unit takes at most three bytes of UTF-8, so a short text needs no counting.
  const fits = text.length * 3 <= maxKeyBytes || Buffer.byteLength(text) <= maxKeyBytes;
  return fits && !text.includes('\0') && text.isWellFormed();
}
