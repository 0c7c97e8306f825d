import { sleep } from '../kernel/clock.ts';
import { failure, isFailure } from '../kernel/errors.ts';
import type { RecordedEvent } from '../kernel/message.ts';
import type { Breaker } from './breaker.ts';
import type { RuntimeContext } from './context.ts';
import type { CountBook } from './counts.ts';
import type { SubscriptionDefinition } from './define.ts';
import { asToday } from './event-matcher.ts';
import { isPassing } from './passing.ts';
import { retrying } from './retry.ts';

/** How the handling of one event ended. */
export type Handling = { readonly kind: 'handled' } | LastingFailure;

export interface LastingFailure {
  readonly kind: 'failed';
  readonly code: string;
  readonly cause: string;
  readonly attempts: number;
}

export interface EventHandlerOptions {
  readonly definition: SubscriptionDefinition;
  /** The subscription's name in counts and logs. */
  readonly name: string;
  readonly breaker: Breaker;
  readonly counts: CountBook;
  readonly replaying: boolean;
  readonly signal: AbortSignal;
  /** Resolves when the subscription lets handlers begin; rejects with DRAINING when it stops. */
  ready(): Promise<void>;
  /** Told after a success. */
  advanced(): void;
}

/**
 * Handles an event until it is handled, or failed for good. Passing failures are waited out however long they last and are
 * no attempts; a handler that throws HANDLER_FAILED or CHANNEL_REJECTED, or something that is not passing `retryAttempts`
 * times, has failed for good.
 * @throws DRAINING when the subscription stops; the event is then not handled.
 */
export function createEventHandler(
  context: RuntimeContext,
  options: EventHandlerOptions,
): (event: RecordedEvent) => Promise<Handling> {
  const { definition, name, breaker, counts, replaying, signal, ready, advanced } = options;
  const { clock, logger, settings, telemetry } = context;

  async function once(event: RecordedEvent, attempt: number): Promise<void> {
    for (;;) {
      // Not left to `ready` alone: when an open breaker no longer waits, this would turn round for ever.
      if (signal.aborted) throw failure('DRAINING', { found: `${name} stopping` });
      await ready();
      try {
        return await breaker.run(() => definition.handle(asToday(context, event), { attempt, signal, replaying }));
      } catch (error) {
        // Only the subscription's own breaker: one inside the handler is the handler's failure, and passing.
        if (!isFailure(error, 'BREAKER_OPEN') || error.explanation.details?.breaker !== breaker.name) throw error;
        await closer(error.explanation.details.retryAfterMs);
      }
    }
  }

  /** Until the breaker changes, or for as long as it said. */
  async function closer(retryAfterMs: unknown): Promise<void> {
    const changed = new AbortController();
    const forget = breaker.onChange(() => changed.abort());
    await sleep(
      clock,
      typeof retryAfterMs === 'number' ? retryAfterMs : 1_000,
      AbortSignal.any([signal, changed.signal]),
    );
    forget();
  }

  return async (event) => {
    const startedMs = clock.monotonicMs();
    let attempts = 0;
    counts.add('inFlight', event.type, name);
    try {
      await retrying((attempt) => once(event, attempt), {
        clock,
        delayMs: settings.retryDelayMs,
        signal,
        // What a handler did counts.
        waitsForTask: true,
        isRetryable(error) {
          if (signal.aborted) return false;
          if (isFailure(error, 'DRAINING')) return true;
          counts.add('failed', event.type, name);
          if (isPassing(error)) return true;
          attempts += 1;
          return !isFailure(error, 'HANDLER_FAILED', 'CHANNEL_REJECTED') && attempts < settings.retryAttempts;
        },
        onRetry(attempt, error, delayMs) {
          counts.add('retried', event.type, name);
          logger.warn(
            { subscription: name, event: event.id, attempt, error, delayMs },
            'A handler failed; trying again.',
          );
        },
      });
      counts.add('delivered', event.type, name);
      advanced();
      return { kind: 'handled' };
    } catch (error) {
      if (signal.aborted) throw failure('DRAINING', { found: `${name} stopping`, cause: error });
      const code = isFailure(error) ? error.code : 'HANDLER_FAILED';
      return { kind: 'failed', code, cause: causeOf(error), attempts };
    } finally {
      counts.add('inFlight', event.type, name, -1);
      telemetry.observeMs('event_handling_ms', clock.monotonicMs() - startedMs, { subscription: name });
    }
  };
}

/** Long enough for a person, short enough for a cursor. */
const longestCause = 2_000;

const causeOf = (error: unknown) => (error instanceof Error ? error.message : String(error)).slice(0, longestCause);
