import { type Static, Type } from 'typebox';
import { failure, type StatewrightError } from '../kernel/errors.ts';
import type { StreamId } from '../kernel/message.ts';
import { checkId } from '../runtime/accept.ts';
import type { Processor } from '../runtime/processor.ts';

/** The path of one aggregate. */
export const AggregateParams = Type.Object({ type: Type.String(), id: Type.String() });

/** The address of the aggregate in a path; internal ones may be read too.
 * @throws UNKNOWN_AGGREGATE_TYPE, INVALID_ID */
export function streamIn({ type, id }: Static<typeof AggregateParams>, processor: Processor): StreamId {
  if (!processor.aggregates.has(type)) throw unknownAggregate(type, [...processor.aggregates.keys()]);
  checkId('aggregate id', id);
  return { type, id };
}

export function unknownAggregate(type: string, known: readonly string[]): StatewrightError {
  return failure('UNKNOWN_AGGREGATE_TYPE', { expected: `one of ${known.join(', ')}`, found: JSON.stringify(type) });
}
