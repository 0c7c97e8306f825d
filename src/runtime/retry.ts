import { retryMachine } from '../../machines/retry.machine.ts';
import type { Clock } from '../kernel/clock.ts';
import { failure } from '../kernel/errors.ts';
import { type Running, run } from '../kernel/statechart.ts';
import { isPassing } from './passing.ts';

export interface RetryOptions {
  readonly clock: Clock;
  /** The first included. Default: no bound. */
  readonly attempts?: number;
  /** The first wait; doubles each time, less up to half of it as jitter. */
  readonly delayMs: number;
  /** Default 30,000. */
  readonly maxDelayMs?: number;
  /** Ends the waiting at once. A task under way is not waited for, unless `waitsForTask`. */
  readonly signal?: AbortSignal;
  /** When the signal aborts, what the task under way returns still counts; it is not tried again. */
  readonly waitsForTask?: boolean;
  /** Default: `isPassing`. */
  readonly isRetryable?: (error: unknown) => boolean;
  /** Told after each failure that is followed by a wait of `delayMs`. */
  readonly onRetry?: (attempt: number, error: unknown, delayMs: number) => void;
  /** 0…1; for tests. */
  readonly random?: () => number;
}

/** Runs the task until it succeeds. The machine is started by the first failure: success costs nothing.
 * @param task gets the number of its attempt, from 1.
 * @returns what the task returned; rejects with the last error, at once when it is not retryable.
 * @throws DRAINING when the signal aborts. */
export async function retrying<T>(task: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  if (options.signal?.aborted) throw draining();
  try {
    return await task(1);
  } catch (error) {
    return await again(task, options, error);
  }
}

function again<T>(task: (attempt: number) => Promise<T>, options: RetryOptions, first: unknown): Promise<T> {
  const { clock, attempts = Number.POSITIVE_INFINITY, delayMs, maxDelayMs = 30_000 } = options;
  const { signal, waitsForTask = false, isRetryable = isPassing, onRetry, random = Math.random } = options;
  return new Promise((resolve, reject) => {
    let result: T;
    let error = first;
    // Undefined once it has ended: what a task that was aborted still tells is nobody's concern.
    let machine: Running<typeof retryMachine> | undefined;

    const failed = (cause: unknown) => {
      if (machine === undefined) return;
      error = cause;
      const retryable = isRetryable(cause) && !(waitsForTask && signal?.aborted === true);
      machine.send({ type: 'attempt.failed', retryable, jitter: random() });
    };
    const attempt = async (number: number) => {
      try {
        result = await task(number);
      } catch (cause) {
        return failed(cause);
      }
      machine?.send({ type: 'attempt.succeeded' });
    };
    const abort = () => {
      if (waitsForTask && machine?.snapshot().value === 'attempting') return;
      machine?.send({ type: 'aborted' });
    };
    const settle = (outcome: () => void) => {
      signal?.removeEventListener('abort', abort);
      machine = undefined;
      outcome();
    };

    const driven = retryMachine.provide({ actions: { attempt: ({ context }) => void attempt(context.attempt) } });
    machine = run(driven, clock, {
      input: { attempts, delayMs, maxDelayMs },
      onError: (cause) => settle(() => reject(cause)),
    });
    machine.subscribe((state) => {
      switch (state.value) {
        case 'attempting':
          return;
        case 'waiting':
          return onRetry?.(state.context.attempt, error, state.context.waitMs);
        case 'succeeded':
          return settle(() => resolve(result));
        case 'rejected':
        case 'exhausted':
          return settle(() => reject(error));
        case 'aborted':
          return settle(() => reject(draining()));
        default:
          return state.value satisfies never;
      }
    });
    signal?.addEventListener('abort', abort, { once: true });
    failed(first);
    if (signal?.aborted) abort();
  });
}

function draining() {
  return failure('DRAINING', { expected: 'time for another attempt', found: 'a process that shuts down' });
}
