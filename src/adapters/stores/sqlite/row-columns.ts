import type { Row } from '../../../ports/read-model.ts';

/** The columns of a row in the order of `RowColumns`; `r` is the table. */
export const rowColumns = 'r.id, r.place, r.search, r.value, r.indexed, r.totals, r.faulty';

export type RowColumns = [
  id: string,
  place: string,
  search: string,
  value: string,
  indexed: string,
  totals: string,
  faulty: string | null,
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
}

export function encodeRow({ id, order, search, value, index, totals, faulty }: Row): EncodedRow {
  return {
    id,
    place: order,
    search,
    value: JSON.stringify(value),
    indexed: JSON.stringify(index),
    totals: JSON.stringify(totals),
    faulty: faulty ? JSON.stringify(faulty) : null,
  };
}

export function decodeRow([id, place, search, value, indexed, totals, faulty]: RowColumns): Row {
  return {
    id,
    value: JSON.parse(value),
    order: place,
    index: JSON.parse(indexed),
    search,
    totals: JSON.parse(totals),
    ...(faulty !== null && { faulty: JSON.parse(faulty) }),
  };
}
