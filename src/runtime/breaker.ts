import { circuitBreakerMachine } from '../../machines/circuit-breaker.machine.ts';
import type { Clock } from '../kernel/clock.ts';
import { failure, isFailure } from '../kernel/errors.ts';
import { run } from '../kernel/statechart.ts';
import { isPassing } from './passing.ts';

export type BreakerState = 'closed' | 'open' | 'halfOpen';

/** Stands before something that may not answer, one for each such thing. */
export interface Breaker {
  readonly name: string;
  state(): BreakerState;
  /** Runs the task, unless the breaker is open or its one probe is under way. Passing failures count, in a row; any
   * other outcome shows that the other side answers.
   * @returns what the task returned, or rejects with what it threw.
   * @throws BREAKER_OPEN with `details.retryAfterMs`; the task was not run then. */
  run<T>(task: () => Promise<T>): Promise<T>;
  /** Calls `listener` after each change of state; returns the way to end it. */
  onChange(listener: (state: BreakerState) => void): () => void;
  /** Cancels its timer. It lets nothing more through when it is open. */
  stop(): void;
}

export interface BreakerOptions {
  /** Such as `channel.smtp`. */
  readonly name: string;
  readonly clock: Clock;
  /** In a row, until it opens. Default 5. */
  readonly failures?: number;
  /** Default 30,000. A probe that takes longer counts as failed. */
  readonly halfOpenAfterMs?: number;
  /** Which errors mean that the other side does not answer. Default: `isPassing`. */
  readonly isPassing?: (error: unknown) => boolean;
}

export function createBreaker(options: BreakerOptions): Breaker {
  const { name, clock, failures = 5, halfOpenAfterMs = 30_000, isPassing: doesNotAnswer = isPassing } = options;
  const machine = run(circuitBreakerMachine, clock, { input: { threshold: failures, halfOpenAfterMs } });
  const listeners = new Set<(state: BreakerState) => void>();
  let snapshot = machine.snapshot();
  let state = stateOf(snapshot.value);
  let openedAtMs = 0;
  // Grows each time it opens and with each probe: a call that began before says nothing of what is now.
  let period = 0;
  let stopped = false;

  machine.subscribe((next) => {
    snapshot = next;
    const now = stateOf(next.value);
    if (now === state) return;
    state = now;
    if (now === 'open') {
      openedAtMs = clock.monotonicMs();
      period++;
    }
    for (const listener of listeners) listener(now);
  });

  return {
    name,
    state: () => state,
    async run(task) {
      if (state !== 'closed') {
        if (stopped || !snapshot.matches({ halfOpen: 'ready' })) throw isOpen();
        period++;
        machine.send({ type: 'probe.started' });
        return judged(task, 'probe');
      }
      return judged(task, 'call');
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop() {
      stopped = true;
      machine.stop();
    },
  };

  async function judged<T>(task: () => Promise<T>, kind: 'call' | 'probe'): Promise<T> {
    const began = period;
    try {
      const result = await task();
      if (began === period && !stopped) answered(kind);
      return result;
    } catch (error) {
      if (began === period && !stopped) {
        if (isFailure(error, 'DRAINING')) machine.send({ type: 'probe.abandoned' });
        else if (doesNotAnswer(error)) machine.send({ type: `${kind}.failed` });
        else answered(kind);
      }
      throw error;
    }
  }

  function answered(kind: 'call' | 'probe'): void {
    // The usual case, and nothing to change: not worth an event.
    if (kind === 'call' && snapshot.context.failures === 0) return;
    machine.send({ type: `${kind}.succeeded` });
  }

  function isOpen() {
    const waitedMs = clock.monotonicMs() - openedAtMs;
    const retryAfterMs = state === 'open' ? Math.max(1, Math.ceil(halfOpenAfterMs - waitedMs)) : 1_000;
    return failure('BREAKER_OPEN', {
      expected: `an answer from ${name}`,
      found: 'none, several times in a row',
      remedy: `It is tried again in ${retryAfterMs} ms.`,
      details: { breaker: name, retryAfterMs },
    });
  }
}

function stateOf(value: 'closed' | 'open' | { readonly halfOpen: string }): BreakerState {
  return typeof value === 'string' ? value : 'halfOpen';
}
