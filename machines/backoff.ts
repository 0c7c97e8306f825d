/** How long a wait between tries grows. */
export interface Backoff {
  /** The first wait, before jitter. */
  readonly delayMs: number;
  /** No wait is longer. */
  readonly maxDelayMs: number;
}

/** The wait after `failures` failures in a row: doubles each time up to the bound, of which `jitter` (0…1, drawn by the
 * driver) takes away up to half, so that many who failed together don't come back together ("Exponential Backoff And
 * Jitter", AWS Architecture Blog, 2015: "equal jitter"). */
export function backoffMs(failures: number, jitter: number, { delayMs, maxDelayMs }: Backoff): number {
  const fullMs = Math.min(maxDelayMs, delayMs * 2 ** Math.max(0, failures - 1));
  return Math.round(fullMs * (1 - jitter / 2));
}
