import type { Row } from '../../../ports/read-model.ts';
import { isPlain, keyText, storable } from './key-text.ts';

/** The columns of a row in the order of `RowColumns`; `r` is the table. */
export const rowColumns = 'r.id, r.place, r.search, r.value, r.indexed, r.totals, r.faulty, r.exact';

export type RowColumns = [
  id: string,
  place: string,
  search: string,
  value: string,
  indexed: string,
  totals: string,
  faulty: string | null,
  exact: string | null,
];

/** A row as it is stored: `order` and `index` are words of SQL, so they have other names there. */
export interface EncodedRow {
  readonly id: string;
  readonly place: string;
  readonly search: string;
  readonly value: string;
  readonly indexed: string;
  readonly totals: string;
  readonly faulty: string | null;
  /** What of the row doesn't stand in the columns as it is, since an index or PostgreSQL can't hold it. */
  readonly exact: string | null;
}

export function encodeRow({ id, order, search, value, index, totals, faulty }: Row): EncodedRow {
  const isExact =
    isPlain(id) && isPlain(order) && storable(search) === search && Object.entries(index).flat().every(isPlain);
  return {
    id: keyText(id),
    place: keyText(order),
    search: storable(search),
    value: JSON.stringify(value),
    indexed: JSON.stringify(mapped(index, keyText, keyText)),
    totals: JSON.stringify(mapped(totals, storable, (amount) => amount)),
    faulty: faulty ? JSON.stringify(faulty) : null,
    exact: isExact ? null : JSON.stringify({ id, order, search, index }),
  };
}

export function decodeRow([id, place, search, value, indexed, totals, faulty, exact]: RowColumns): Row {
  return {
    id,
    value: JSON.parse(value),
    order: place,
    index: JSON.parse(indexed),
    search,
    totals: JSON.parse(totals),
    ...(faulty !== null && { faulty: JSON.parse(faulty) }),
    ...(exact !== null && JSON.parse(exact)),
  };
}

const mapped = <From, To>(
  entries: Readonly<Record<string, From>>,
  name: (text: string) => string,
  value: (from: From) => To,
): Readonly<Record<string, To>> =>
  Object.fromEntries(Object.entries(entries).map(([key, from]) => [name(key), value(from)]));
