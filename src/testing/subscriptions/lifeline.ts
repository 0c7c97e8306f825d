import type { Store } from '../../ports/store.ts';

/** A store as one process sees it, which can die or be paused between any two lines. */
export interface Lifeline {
  readonly store: Store;
  /** The process is gone: nothing it waits for comes, nothing it starts is done. */
  kill(): void;
  /** Kills at the nth call from now: after it took effect but before its answer came, or before it took effect. */
  killAt(call: number, moment: 'before' | 'after'): void;
  /** The process stands still: what it starts is done when it goes on. */
  pause(): void;
  resume(): void;
  readonly alive: boolean;
  /** Rejects when it dies; never resolves. */
  readonly died: Promise<never>;
}

/** The parts of a store whose calls are watched. */
const parts = ['events', 'snapshots', 'checkpoints', 'cursors', 'leases', 'readModels'] as const;

/** @param underWay is told of each call that the store has taken. */
export function createLifeline(
  store: Store,
  underWay: <Result>(call: Promise<Result>) => Promise<Result> = (call) => call,
): Lifeline {
  let alive = true;
  let callsLeft = Number.POSITIVE_INFINITY;
  let deadly: 'before' | 'after' = 'before';
  let paused: PromiseWithResolvers<void> | undefined;
  const never = new Promise<never>(() => {});
  const death = Promise.withResolvers<never>();
  death.promise.catch(() => {});

  function die(): void {
    alive = false;
    death.reject(new Error('The process died.'));
  }

  async function before(): Promise<void> {
    while (paused !== undefined) await paused.promise;
    if (--callsLeft === 0 && deadly === 'before') die();
    if (!alive) await never;
  }

  async function after<Result>(result: Result): Promise<Result> {
    if (callsLeft <= 0 && deadly === 'after') die();
    while (paused !== undefined) await paused.promise;
    return alive ? result : never;
  }

  function watched<Part extends object>(part: Part): Part {
    return new Proxy(part, {
      get(of, key) {
        const member: unknown = Reflect.get(of, key);
        if (typeof member !== 'function') return member;
        if (key === 'watch') return (wake: () => void) => member.call(of, () => alive && wake());
        if (key === 'readAll' || key === 'readStream') {
          return (...given: unknown[]) => reading(() => member.apply(of, given) as AsyncIterable<unknown>);
        }
        return async (...given: unknown[]) => {
          await before();
          const result: unknown = await underWay(Promise.resolve(member.apply(of, given)));
          // A generation of a read model has calls of its own.
          const isPart = typeof result === 'object' && result !== null && 'commit' in result;
          return after(isPart ? watched(result) : result);
        };
      },
    });
  }

  async function* reading(begin: () => AsyncIterable<unknown>): AsyncGenerator<unknown> {
    await before();
    const items = await underWay(Array.fromAsync(begin()));
    await after(undefined);
    yield* items;
  }

  const members = Object.fromEntries(parts.map((part) => [part, watched(store[part])]));
  return {
    store: { ...store, ...members },
    kill: die,
    killAt(call, moment) {
      callsLeft = call;
      deadly = moment;
    },
    pause() {
      paused ??= Promise.withResolvers();
    },
    resume() {
      paused?.resolve();
      paused = undefined;
    },
    get alive() {
      return alive;
    },
    died: death.promise,
  };
}
