import { failure } from '../kernel/errors.ts';
import type { RuntimeContext } from './context.ts';
import type { ProjectionDefinition } from './define.ts';
import { createProjection, type Projection } from './projection.ts';
import type { RunsHere } from './runs-here.ts';

/** One projection as operators see it. */
export interface ProjectionStatus {
  readonly name: string;
  /** Where the live read model stands. */
  readonly position: number;
  /** Events of the log behind the head. */
  readonly lag: number;
  readonly state: 'waiting' | 'catching-up' | 'live' | 'rebuilding' | 'stopped' | 'faulty';
  /** Whether this worker holds the lease. */
  readonly held: boolean;
  readonly faultyRows: number;
  readonly error?: string;
  /** Set while a new generation is built. */
  readonly rebuild?: { readonly position: number; readonly head: number };
}

/** The projections of this processor. */
export interface Projections {
  list(): Promise<readonly ProjectionStatus[]>;
  /**
   * Starts a rebuild beside the live read model; resolves when it has been swapped in.
   * @throws UNKNOWN_PROJECTION; HANDLER_FAILED when it cannot be built
   */
  rebuild(name: string, onProgress?: (done: number, of: number) => void): Promise<void>;
  /** Resolves when the live read model has seen the position. @throws READ_MODEL_BEHIND after `waitForMs`. */
  waitFor(name: string, position: number): Promise<void>;
}

/** The projections with their life. */
export interface RunningProjections extends Projections {
  start(): void;
  /** Ends the reading, then gives the leases up. Twice is fine. */
  stop(): Promise<void>;
}

/** @throws INVALID_DEFINITION when two have one name. */
export function createProjections(
  context: RuntimeContext,
  definitions: readonly ProjectionDefinition[],
  runsHere: RunsHere,
): RunningProjections {
  const projections = new Map<string, Projection>();
  for (const definition of definitions) {
    if (projections.has(definition.name)) {
      throw failure('INVALID_DEFINITION', {
        expected: 'a name of its own per projection',
        found: `two ${definition.name}`,
      });
    }
    projections.set(definition.name, createProjection(context, definition));
  }

  function named(name: string): Projection {
    const projection = projections.get(name);
    if (projection !== undefined) return projection;
    throw failure('UNKNOWN_PROJECTION', { expected: `one of ${[...projections.keys()].join(', ')}`, found: name });
  }

  const all = () => [...projections.values()];
  return {
    start() {
      for (const [name, projection] of projections) if (runsHere(name)) projection.start();
    },
    async stop() {
      await Promise.all(all().map((projection) => projection.stop()));
    },
    list: () => Promise.all(all().map((projection) => projection.status())),
    rebuild: async (name, onProgress) => named(name).rebuild(onProgress),
    waitFor: async (name, position) => named(name).waitFor(position),
  };
}
