import { Type } from 'typebox';
import { type Clock, sleep } from '../kernel/clock.ts';
import { failure } from '../kernel/errors.ts';
import type { Processor } from '../runtime/processor.ts';

/** In the query of every read: it answers once it has seen this position. */
export const WaitFor = { waitFor: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })) };

/** Resolves when the log has reached the position. @throws READ_MODEL_BEHIND after `timeoutMs`. */
export async function logReached(
  log: Processor['log'],
  position: number | undefined,
  { timeoutMs, clock }: { readonly timeoutMs: number; readonly clock: Clock },
): Promise<void> {
  if (position === undefined) return;
  const deadline = clock.monotonicMs() + timeoutMs;
  const changes = watchLog(log);
  try {
    for (;;) {
      const head = await log.head();
      if (head >= position) return;
      const leftMs = deadline - clock.monotonicMs();
      if (leftMs <= 0)
        throw failure('READ_MODEL_BEHIND', { expected: `position ${position}`, found: `position ${head}` });
      await changes.next(clock, Math.min(leftMs, POLL_MS));
    }
  } finally {
    changes.end();
  }
}

/** Something that waits for appends. */
export interface LogChanges {
  /** Resolves at an append seen since the call before, after `timeoutMs` (a watch may miss one), or when aborted. */
  next(clock: Clock, timeoutMs: number, signal?: AbortSignal): Promise<void>;
  end(): void;
}

export function watchLog(log: Processor['log']): LogChanges {
  let changed = new AbortController();
  const end = log.watch(() => changed.abort());
  return {
    async next(clock, timeoutMs, signal) {
      const either = signal === undefined ? changed.signal : AbortSignal.any([changed.signal, signal]);
      await sleep(clock, timeoutMs, either);
      if (changed.signal.aborted) changed = new AbortController();
    },
    end,
  };
}

const POLL_MS = 100;
