import type { Row } from '../../../ports/read-model.ts';

/** A row, or that there is none any more: who wakes up late must not bring it back. */
export interface RowDocument {
  readonly _id: string;
  /** The number of the state whose change wrote it. */
  readonly n: number;
  readonly order?: string;
  readonly search?: string;
  /** JSON of `[index, value]`. */
  readonly terms?: readonly string[];
  /** JSON of the parts of a row. */
  readonly value?: string;
  readonly index?: string;
  readonly totals?: string;
  readonly faulty?: string;
}

/** The rows of one commit, as they are kept beside the state until they are in their documents. */
export interface RowChange {
  readonly model: string;
  readonly generation: number;
  /** Their numbers are not in them yet. */
  readonly rows: readonly EncodedRow[];
  readonly deletes: readonly string[];
}

export type EncodedRow = Omit<RowDocument, 'n' | '_id'> & { readonly id: string; readonly isNew?: boolean };

export function encodeRow({ id, order, search, value, index, totals, faulty }: Row): EncodedRow {
  return {
    id,
    order,
    search,
    terms: Object.entries(index).map(([name, text]) => termOf(name, text)),
    value: JSON.stringify(value),
    index: JSON.stringify(index),
    totals: JSON.stringify(totals),
    ...(faulty && { faulty: JSON.stringify(faulty) }),
  };
}

export const termOf = (index: string, value: string): string => JSON.stringify([index, value]);

export function documentOf({ id, isNew: _, ...fields }: EncodedRow, n: number): RowDocument {
  return { _id: id, n, ...fields };
}

/** A document without its row. */
export const goneDocument = (id: string, n: number): RowDocument => ({ _id: id, n });

export const isThere = (doc: RowDocument | undefined): doc is RowDocument => doc?.value !== undefined;

export function decodeRow({ _id, order = '', search = '', value, index, totals, faulty }: RowDocument): Row {
  return {
    id: _id,
    value: parsed(value, null),
    order,
    index: parsed(index, {}),
    search,
    totals: parsed(totals, {}),
    ...(faulty !== undefined && { faulty: JSON.parse(faulty) }),
  };
}

export function totalsOf(totals: string | undefined): readonly (readonly [string, number])[] {
  return totals === undefined || totals === '{}' ? [] : Object.entries<number>(JSON.parse(totals));
}

function parsed<Value>(text: string | undefined, otherwise: Value): Value {
  return text === undefined ? otherwise : JSON.parse(text);
}
