import { Presets, SingleBar } from 'cli-progress';

/** How far something has come. */
export interface Progress {
  /** Once before the first `to`. */
  of(total: number): void;
  to(done: number): void;
  end(): void;
}

/** A bar on stderr; nothing at all when that is no terminal. */
export function progressBar(what: string): Progress {
  const bar = new SingleBar(
    {
      format: `${what} {bar} {percentage}% | {value}/{total} | {eta_formatted}`,
      stream: process.stderr,
      hideCursor: true,
    },
    Presets.shades_classic,
  );
  return {
    of: (total) => (bar.isActive ? bar.setTotal(total) : bar.start(total, 0)),
    to: (done) => bar.update(done),
    end: () => bar.stop(),
  };
}
