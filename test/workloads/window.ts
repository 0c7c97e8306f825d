/** A bounded number of tasks under way. */
export interface Window {
  readonly underWay: number;
  /** Takes a task; its failure is thrown by `room` and `empty`. */
  add(task: Promise<unknown>): void;
  /** Resolves when there is room for one more. @throws the first error of a task. */
  room(): Promise<void>;
  /** Resolves when all are done. @throws the first error of a task. */
  empty(): Promise<void>;
}

/** For one producer, which awaits `room` before each task. */
export function createWindow(size: number): Window {
  let underWay = 0;
  let failed: { readonly error: unknown } | undefined;
  let wake = (): void => {};

  async function until(holds: () => boolean): Promise<void> {
    while (failed === undefined && !holds()) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    if (failed !== undefined) throw failed.error;
  }

  function ended(): void {
    underWay -= 1;
    wake();
  }

  return {
    get underWay() {
      return underWay;
    },
    add(task) {
      underWay += 1;
      task.then(ended, (error: unknown) => {
        failed ??= { error };
        ended();
      });
    },
    room: () => until(() => underWay < size),
    empty: () => until(() => underWay === 0),
  };
}
