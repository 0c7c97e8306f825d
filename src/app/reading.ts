import { failure, type Processor, type RowsAnswer, WaitFor } from 'statewright';
import { type Static, type TSchema, Type } from 'typebox';

/** The query of a page of rows. */
export const PageQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'default 50' })),
  cursor: Type.Optional(Type.String({ description: 'nextCursor of the page before' })),
  ...WaitFor,
});

/** The query of a single answer. */
export const OneQuery = Type.Object(WaitFor);

/** `{ data: row }` and `{ data: [row…], nextCursor? }`. */
export const One = <Row extends TSchema>(row: Row) => ({ 200: Type.Object({ data: row }) });
export const Page = <Row extends TSchema>(row: Row) => ({
  200: Type.Object({ data: Type.Array(row), nextCursor: Type.Optional(Type.String()) }),
});

/** One row of a read model. @throws NOT_FOUND, READ_MODEL_BEHIND */
export async function oneOf<Row>(
  processor: Processor,
  model: string,
  id: string,
  waitFor?: number,
): Promise<{ data: Row }> {
  const row = await processor.query(`${model}.get`, { id }, asOf(waitFor));
  if (row === undefined) throw failure('NOT_FOUND', { found: `nothing in ${model} with the id ${JSON.stringify(id)}` });
  return { data: row as Row };
}

/** One page of a read model. @throws READ_MODEL_BEHIND, MALFORMED_REQUEST for a cursor that isn't one. */
export async function pageOf<Row>(
  processor: Processor,
  model: string,
  { waitFor, ...page }: Static<typeof PageQuery>,
  where?: { readonly index: string; readonly value: string },
): Promise<{ data: Row[]; nextCursor?: string }> {
  const input = where === undefined ? page : { ...page, where };
  const { rows, nextCursor } = (await processor.query(`${model}.page`, input, asOf(waitFor))) as RowsAnswer;
  return { data: rows as unknown as Row[], ...(nextCursor === undefined ? {} : { nextCursor }) };
}

/** The option of a query that must have seen this position. */
export const asOf = (waitFor: number | undefined) => (waitFor === undefined ? {} : { waitFor });
