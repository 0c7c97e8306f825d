import { failure, isFailure } from '../../../kernel/errors.ts';
import type { Fence } from '../../../ports/coordination.ts';
import { keyText } from './key-text.ts';
import { sqlState } from './postgresql-errors.ts';

/** Does what the function `check_fence` guards. @throws FENCED */
export async function fenced<Result>(
  fence: Fence,
  work: (lease: string, token: number) => Promise<Result>,
): Promise<Result> {
  try {
    return await work(keyText(fence.lease), fence.token);
  } catch (error) {
    if (!isFailure(error) || sqlState(error.cause) !== fencedState) throw error;
    throw failure('FENCED', {
      expected: `token ${fence.token} of lease ${fence.lease}`,
      found: 'a higher one',
      remedy: 'Stop: another holder took over.',
    });
  }
}

/** What `check_fence` raises. */
const fencedState = 'SW001';
