import { failure } from '../../kernel/errors.ts';
import type { Fence } from '../../ports/coordination.ts';

/** Lets a write through whose lease nobody took over since; to be asked inside the write's own transaction.
 * @param now the lease's token as it stands.
 * @throws FENCED */
export function checkFence({ lease, token }: Fence, now: number): void {
  if (now <= token) return;
  throw failure('FENCED', {
    expected: `token ${token} of lease ${lease}`,
    found: `token ${now}`,
    remedy: 'Stop: another holder took over.',
  });
}
