import type { TimerHandle } from '../kernel/clock.ts';
import type { RuntimeContext } from './context.ts';

/** What is done now and then, on every worker; doing it twice does no harm. */
export interface Housekeeping {
  /** Does nothing after `stop`: a drain may overtake the start. */
  start(): void;
  /** Twice is fine. */
  stop(): void;
}

/** Forgets the command ids that are older than `commandIdDays`, once an hour. */
export function createHousekeeping({ store, clock, settings, logger }: RuntimeContext): Housekeeping {
  let timer: TimerHandle | undefined;
  let stopped = false;

  async function round(): Promise<void> {
    const before = new Date(clock.now() - settings.commandIdDays * dayMs).toISOString();
    try {
      const forgotten = await store.events.forgetCommandIds(before);
      if (forgotten > 0) logger.info({ forgotten, before }, 'Old command ids were forgotten.');
    } catch (error) {
      logger.warn({ err: error }, 'Old command ids could not be forgotten; the next round tries again.');
    }
    if (timer !== undefined) timer = clock.setTimeout(round, hourMs);
  }

  return {
    start() {
      if (!stopped) timer ??= clock.setTimeout(round, hourMs);
    },
    stop() {
      stopped = true;
      if (timer !== undefined) clock.clearTimeout(timer);
      timer = undefined;
    },
  };
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
