import { failure } from '../kernel/errors.ts';
import type { EventBus } from '../ports/event-bus.ts';

/** Whether the projection or grouped subscription of this name runs on this worker. */
export type RunsHere = (name: string) => boolean;

interface Named {
  readonly name: string;
}

/**
 * @param only the names of what runs here; undefined: all.
 * @throws UNKNOWN_SUBSCRIPTION for a name that nothing has, INVALID_CONFIGURATION when a grouped subscription would run
 * on another worker, and the bus doesn't reach it.
 */
export function oneOfThese(
  only: readonly string[] | undefined,
  { projections, grouped, bus }: { projections: readonly Named[]; grouped: readonly Named[]; bus: EventBus },
): RunsHere {
  if (only === undefined) return () => true;
  const known = [...projections, ...grouped].map(({ name }) => name);
  for (const name of only) {
    if (!known.includes(name)) throw failure('UNKNOWN_SUBSCRIPTION', { expected: known.join(', '), found: name });
  }
  const elsewhere = grouped.find(({ name }) => !only.includes(name));
  if (elsewhere !== undefined && !bus.features.crossProcess) {
    throw failure('INVALID_CONFIGURATION', {
      expected: `a bus that reaches the worker on which ${elsewhere.name} runs`,
      found: `the bus ${bus.provider}, which lies within one process`,
      remedy: 'Set EVENT_BUS_PROVIDER to a bus on a server, or let all subscriptions run here.',
    });
  }
  return (name) => only.includes(name);
}
