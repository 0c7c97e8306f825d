import type { Row } from '../../../ports/read-model.ts';
import type { PagePlace } from '../page-cursor.ts';

/**
 * A row's place as a text that sorts, by bytes, as order and then id do: U+0000 ends the order, so what it has of
 * U+0000 and U+0001 itself is written by two characters.
 */
export function encodePlace({ order, id }: PagePlace): string {
  return `${escaped(order)}\0${id}`;
}

/** Name and value of an index as one text without U+0000 and `&`. */
export function encodeIndexed(name: string, value: string): string {
  return `${word(name)}=${word(value)}`;
}

/**
 * A row as it is stored: how many characters its JSON has, how many bytes place, indexes and totals have, whether it is
 * faulty; these; its JSON. So the script can take out of the indexes what the row before it put in.
 */
export function encodeRow({ id, value, order, index, search, totals, faulty }: Row): string {
  const place = encodePlace({ order, id });
  const indexed = pairs(index);
  const added = pairs(Object.fromEntries(Object.entries(totals).filter(([, amount]) => Number.isFinite(amount))));
  const json = JSON.stringify({ id, value, order, index, search, totals, ...(faulty && { faulty }) });
  const sizes = [place, indexed, added].map((text) => Buffer.byteLength(text));
  return `${json.length} ${sizes.join(' ')} ${faulty ? 1 : 0} ${place}${indexed}${added}${json}`;
}

export function decodeRow(text: string): Row {
  return JSON.parse(text.slice(-Number.parseInt(text, 10)));
}

/** Sums by name, as they are stored one after the other. */
export function decodeTotals(fields: readonly string[]): Readonly<Record<string, number>> {
  const count = fields.length / 2;
  const entries = Array.from({ length: count }, (_, at) => {
    return [decodeURIComponent(fields[2 * at] ?? ''), Number(fields[2 * at + 1])] as const;
  });
  return Object.fromEntries(entries);
}

function pairs(entries: Readonly<Record<string, string | number>>): string {
  const all = Object.entries(entries).map(([name, value]) => encodeIndexed(name, String(value)));
  return all.join('&');
}

const word = (text: string) => encodeURIComponent(text.toWellFormed());

function escaped(text: string): string {
  return text.replaceAll('\u0001', '\u0001\u0002').replaceAll('\0', '\u0001\u0001');
}
