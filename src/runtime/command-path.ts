import type { Aggregate } from '../kernel/decider.ts';
import { failure } from '../kernel/errors.ts';
import { accept } from './accept.ts';
import type { Breaker } from './breaker.ts';
import { createBreaker } from './breaker.ts';
import type { CommandRequest, CommandResult } from './command.ts';
import { type Committer, createCommitter, isUnknown } from './committer.ts';
import type { RuntimeContext } from './context.ts';
import type { Health } from './health.ts';
import { createSnapshotter, type Snapshotter } from './snapshotter.ts';
import { createSupervisor, type Supervisor } from './supervisor.ts';

/** Everything between a command's request and its answer. */
export interface CommandPath {
  /** @throws what `accept` throws, and STORE_UNAVAILABLE at once while the store's breaker is open. */
  send(aggregate: Aggregate, request: CommandRequest): Promise<CommandResult>;
  readonly supervisor: Supervisor;
  readonly committer: Committer;
  readonly snapshotter: Snapshotter;
  readonly breaker: Breaker;
  health(): Health['parts'];
}

export function createCommandPath(context: RuntimeContext): CommandPath {
  const { store, clock, logger, telemetry, settings } = context;
  const breaker = createBreaker({ name: 'store', clock, isPassing: isUnknown });
  const committer = createCommitter({
    events: store.events,
    embedded: store.features.embedded,
    breaker,
    clock,
    telemetry,
    retryDelayMs: 100,
  });
  const snapshotter = createSnapshotter({
    snapshots: store.snapshots,
    every: settings.snapshotEvery,
    clock,
    logger,
    telemetry,
  });
  const supervisor = createSupervisor(context, committer, snapshotter);
  return {
    supervisor,
    committer,
    snapshotter,
    breaker,
    health() {
      const stuck = supervisor.quarantined();
      if (stuck.length === 0) return {};
      const detail = stuck
        .slice(0, 10)
        .map(({ stream, error }) => `${stream.type} ${JSON.stringify(stream.id)}: ${error.message}`);
      return { quarantine: { status: 'degraded', detail: `${stuck.length} quarantined: ${detail.join(' ')}` } };
    },
    async send(aggregate, request) {
      // What was taken waits for the store; what was not taken yet need not.
      if (breaker.state() === 'open') throw unavailable();
      return accept(supervisor, aggregate, request, clock);
    },
  };
}

function unavailable() {
  return failure('STORE_UNAVAILABLE', {
    expected: 'an answer from the store',
    found: 'none, several times in a row',
    remedy: 'Send it again later, under the same command id.',
    details: { retryAfterMs: 1_000 },
  });
}
