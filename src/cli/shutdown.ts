/** Ends the process when it is told to (SIGTERM, SIGINT): by `drain`, and at once at the second signal. */
export function drainOnSignal(drain: () => Promise<void>, exit: (error: unknown) => never): void {
  let draining = false;
  const end = () => {
    if (draining) process.exit(1);
    draining = true;
    drain().then(() => process.exit(0), exit);
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
}

/** Aborted by the first signal: for what runs until it is told to stop. */
export function untilSignal(): AbortSignal {
  const stop = new AbortController();
  process.once('SIGTERM', () => stop.abort());
  process.once('SIGINT', () => stop.abort());
  return stop.signal;
}
