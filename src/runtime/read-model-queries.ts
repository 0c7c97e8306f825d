import { failure } from '../kernel/errors.ts';
import type { Json } from '../kernel/message.ts';
import type { PageQuery, ReadModelStore, Row } from '../ports/read-model.ts';
import type { ProjectionDefinition } from './define.ts';
import { foldText } from './fold-text.ts';
import type { Projections } from './projections.ts';
import type { Query, QueryBus } from './query-bus.ts';

/** The answer of `<name>.page` and `<name>.search`. */
export interface RowsAnswer {
  readonly rows: readonly Json[];
  /** Of a page that is not the last. */
  readonly nextCursor?: string;
}

const defaultLimit = 50;

/**
 * Registers each read model's queries; each first waits for `waitFor`.
 * - `<name>.get` `{ id }`: the row, or undefined.
 * - `<name>.page` `{ limit = 50, cursor?, where?: { index, value } }`: `RowsAnswer`.
 * - `<name>.search` `{ q, limit = 50 }`: `RowsAnswer`, rows whose text holds `q`, both folded.
 * - `<name>.totals` `{}`: the sums, by name.
 */
export function registerQueries(
  queries: QueryBus,
  models: ReadModelStore,
  definitions: readonly ProjectionDefinition[],
  projections: Pick<Projections, 'waitFor'>,
): void {
  for (const { name } of definitions) {
    const register = (verb: string, answer: (input: Input) => Promise<unknown>) =>
      queries.register(`${name}.${verb}`, async ({ input, waitFor }: Query) => {
        if (waitFor !== undefined) await projections.waitFor(name, waitFor);
        return answer(inputOf(input));
      });

    register('get', async ({ id }) => {
      const row = await models.get(name, text(id, 'id'));
      return row === undefined || isEmpty(row) ? undefined : row.value;
    });
    register('page', async ({ limit, cursor, where }) => {
      const page = await models.page(name, {
        limit: limited(limit),
        ...(cursor === undefined ? {} : { cursor: text(cursor, 'cursor') }),
        ...(where === undefined ? {} : { where: condition(where) }),
      });
      return answerOf(page.rows, page.nextCursor);
    });
    register('search', async ({ q, limit }) => {
      const folded = foldText(text(q, 'q').trim());
      if (folded === '') throw malformed('q', 'a text to look for', q);
      return answerOf(await models.search(name, folded, limited(limit)));
    });
    register('totals', () => models.totals(name));
  }
}

type Input = Readonly<Record<string, unknown>>;

function answerOf(rows: readonly Row[], nextCursor?: string): RowsAnswer {
  const values = rows.filter((row) => !isEmpty(row)).map(({ value }) => value);
  return { rows: values, ...(nextCursor === undefined ? {} : { nextCursor }) };
}

/** Marked faulty by its first event: there is nothing to show. */
const isEmpty = ({ faulty, value }: Row) => faulty !== undefined && value === null;

function inputOf(input: unknown): Input {
  if (input === undefined || input === null) return {};
  if (typeof input === 'object' && !Array.isArray(input)) return input as Input;
  throw malformed('input', 'an object', input);
}

function text(value: unknown, name: string): string {
  if (typeof value === 'string') return value;
  throw malformed(name, 'a text', value);
}

function limited(limit: unknown = defaultLimit): number {
  if (typeof limit === 'number' && Number.isInteger(limit) && limit >= 1 && limit <= 1000) return limit;
  throw malformed('limit', 'a whole number from 1 to 1000', limit);
}

function condition(where: unknown): NonNullable<PageQuery['where']> {
  const { index, value } = inputOf(where);
  return { index: text(index, 'where.index'), value: text(value, 'where.value') };
}

function malformed(name: string, expected: string, found: unknown) {
  return failure('MALFORMED_REQUEST', {
    expected: `${name} to be ${expected}`,
    found: JSON.stringify(found) ?? 'nothing',
  });
}
