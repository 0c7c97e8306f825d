import { sleep } from '../kernel/clock.ts';
import { failure } from '../kernel/errors.ts';
import type { RuntimeContext } from './context.ts';

/** Callers that wait for a read model to have seen a position. */
export interface PositionWaiters {
  /** Resolves at once when it has. @throws READ_MODEL_BEHIND after `waitForMs`, DRAINING */
  wait(position: number): Promise<void>;
  /** The read model has seen this position. */
  reached(position: number): void;
  stop(): void;
}

const pollMs = 50;

/**
 * The worker that builds the read model tells by `reached`; for the others, one poll serves all who wait.
 * @param look where the read model stands, or undefined when there is none yet.
 */
export function createPositionWaiters(
  context: Pick<RuntimeContext, 'clock' | 'settings'>,
  name: string,
  look: () => Promise<number | undefined>,
): PositionWaiters {
  const { clock, settings } = context;
  const waiting = new Set<Waiter>();
  const stopping = new AbortController();
  let seen = 0;
  let polling = false;

  function reached(position: number): void {
    seen = position;
    for (const waiter of waiting) if (waiter.position <= position) end(waiter);
  }

  function end(waiter: Waiter, error?: unknown): void {
    waiting.delete(waiter);
    clock.clearTimeout(waiter.timer);
    if (error === undefined) waiter.resolve();
    else waiter.reject(error);
  }

  async function poll(): Promise<void> {
    polling = true;
    try {
      while (waiting.size > 0 && !stopping.signal.aborted) {
        const position = await look();
        if (position !== undefined && position > seen) reached(position);
        if (waiting.size > 0) await sleep(clock, pollMs, stopping.signal);
      }
    } catch (error) {
      for (const waiter of waiting) end(waiter, error);
    } finally {
      polling = false;
    }
  }

  return {
    wait(position) {
      if (position <= seen) return Promise.resolve();
      if (stopping.signal.aborted) return Promise.reject(failure('DRAINING'));
      return new Promise((resolve, reject) => {
        const timer = clock.setTimeout(
          () =>
            end(
              waiter,
              failure('READ_MODEL_BEHIND', {
                expected: `${name} at position ${position} within ${settings.waitForMs} ms`,
                found: `position ${seen}`,
              }),
            ),
          settings.waitForMs,
        );
        const waiter: Waiter = { position, resolve, reject, timer };
        waiting.add(waiter);
        if (!polling) void poll();
      });
    },
    reached,
    stop() {
      stopping.abort();
      for (const waiter of waiting) end(waiter, failure('DRAINING'));
    },
  };
}

interface Waiter {
  readonly position: number;
  readonly timer: ReturnType<RuntimeContext['clock']['setTimeout']>;
  resolve(): void;
  reject(error: unknown): void;
}
