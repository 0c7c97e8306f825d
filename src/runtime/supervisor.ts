import { aggregateLifecycleMachine } from '../../machines/aggregate-lifecycle.machine.ts';
import { supervisorMachine } from '../../machines/supervisor.machine.ts';
import type { TimerHandle } from '../kernel/clock.ts';
import type { Aggregate } from '../kernel/decider.ts';
import { failure, type StatewrightError } from '../kernel/errors.ts';
import type { StreamId } from '../kernel/message.ts';
import { run } from '../kernel/statechart.ts';
import { type ActorWorld, AggregateActor } from './aggregate-actor.ts';
import type { Committer } from './committer.ts';
import type { RuntimeContext } from './context.ts';
import { createGate } from './gate.ts';
import type { WaitingCommand } from './proposal.ts';
import { createSharedSteps } from './shared-steps.ts';
import type { Snapshotter } from './snapshotter.ts';

/** Finds or wakes one actor per aggregate, and lets the idle ones go. */
export interface Supervisor {
  /** Puts a command into its aggregate's mailbox; answered through `waiting`, also when it is refused at once. */
  deliver(aggregate: Aggregate, stream: StreamId, waiting: WaitingCommand): void;
  /** Takes no more; resolves when everything taken is answered. */
  drain(): Promise<void>;
  readonly state: 'running' | 'draining' | 'stopped';
  /** How many actors there are, and how many commands wait for an answer. */
  readonly residents: number;
  readonly inFlight: number;
  /** The aggregates that stand still here, and why. */
  quarantined(): readonly { readonly stream: StreamId; readonly error: StatewrightError }[];
}

export function createSupervisor(context: RuntimeContext, committer: Committer, snapshotter: Snapshotter): Supervisor {
  const { store, clock, logger, telemetry, settings } = context;
  const shared = {
    committer,
    snapshotter,
    history: { events: store.events, snapshots: store.snapshots, snapshotEvery: settings.snapshotEvery },
    hydrations: createGate(settings.maxHydrations),
    lifecycle: createSharedSteps(aggregateLifecycleMachine),
    mailboxCapacity: settings.mailboxCapacity,
    clock,
    logger,
    telemetry,
  };
  const homes = new Map(
    [...context.aggregates].map(([name, aggregate]) => [name, createHome({ ...shared, aggregate })]),
  );
  const machine = run(supervisorMachine, clock);
  let inFlight = 0;
  let empty: (() => void) | undefined;
  let sweeping: TimerHandle | undefined;

  const residents = () => [...homes.values()].reduce((sum, { actors }) => sum + actors.size, 0);

  function settled(): void {
    inFlight -= 1;
    if (inFlight === 0) empty?.();
  }

  function sweep(): void {
    const idleSince = clock.monotonicMs() - settings.idleMs;
    for (const home of homes.values()) home.passivateIdle(idleSince);
    sweeping = residents() > 0 ? clock.setTimeout(sweep, settings.idleMs / 10) : undefined;
  }

  function makeRoom(): void {
    let surplus = residents() - settings.maxLiveActors;
    // The type with the most residents gives first.
    const bySize = [...homes.values()].sort((a, b) => b.actors.size - a.actors.size);
    for (const home of bySize) if (surplus > 0) surplus -= home.evict(surplus);
  }

  telemetry.gauge('actors_resident', () =>
    [...homes].map(([aggregate, { actors }]) => ({ labels: { aggregate }, value: actors.size })),
  );
  telemetry.gauge('commands_in_flight', () => [{ value: inFlight }]);

  return {
    deliver(aggregate, stream, waiting) {
      if (!machine.snapshot().hasTag('accepting')) return waiting.reject(draining());
      if (inFlight >= settings.maxInFlight) return waiting.reject(busy(settings.maxInFlight));
      const home = homes.get(aggregate.name);
      if (home === undefined) throw new Error(`${aggregate.name} is not one of this processor's aggregates.`);
      inFlight += 1;
      const { actor, woken } = home.find(stream, clock.monotonicMs());
      actor.deliver(counted(waiting, settled));
      if (!woken) return;
      sweeping ??= clock.setTimeout(sweep, settings.idleMs / 10);
      if (residents() > settings.maxLiveActors) makeRoom();
    },
    async drain() {
      machine.send({ type: 'drain' });
      if (inFlight > 0) await new Promise<void>((resolve) => (empty = resolve));
      machine.send({ type: 'mailboxes.empty' });
      if (sweeping !== undefined) clock.clearTimeout(sweeping);
    },
    get state() {
      return machine.snapshot().value;
    },
    get residents() {
      return residents();
    },
    get inFlight() {
      return inFlight;
    },
    quarantined: () => [...homes.values()].flatMap((home) => home.quarantined()),
  };
}

/** The residents of one aggregate type, the least recently used first. */
function createHome(world: ActorWorld) {
  const actors = new Map<string, { readonly actor: AggregateActor; usedMs: number }>();

  function* leastRecentlyUsed(): Iterable<readonly [string, AggregateActor, number]> {
    for (const [id, { actor, usedMs }] of actors) yield [id, actor, usedMs];
  }

  return {
    actors,
    find(stream: StreamId, nowMs: number): { readonly actor: AggregateActor; readonly woken: boolean } {
      const known = actors.get(stream.id);
      const resident = known ?? { actor: new AggregateActor(stream, world), usedMs: nowMs };
      resident.usedMs = nowMs;
      // A Map keeps the order of insertion: taken out and put in again, it is the most recently used.
      if (known !== undefined) actors.delete(stream.id);
      actors.set(stream.id, resident);
      return { actor: resident.actor, woken: known === undefined };
    },
    passivateIdle(beforeMs: number): void {
      for (const [id, actor, usedMs] of leastRecentlyUsed()) {
        if (usedMs > beforeMs) return;
        if (!actor.idle) continue;
        actor.passivate('idle.timeout');
        actors.delete(id);
      }
    },
    /** Lets up to `surplus` idle ones go; returns how many. */
    evict(surplus: number): number {
      let gone = 0;
      for (const [id, actor] of leastRecentlyUsed()) {
        if (gone === surplus) break;
        if (!actor.idle) continue;
        actor.passivate('evicted');
        actors.delete(id);
        gone += 1;
      }
      return gone;
    },
    quarantined: () =>
      [...leastRecentlyUsed()].flatMap(([, { stream, quarantinedBy: error }]) =>
        error === undefined ? [] : [{ stream, error }],
      ),
  };
}

/** The same command, with its answer counted. */
function counted(waiting: WaitingCommand, settled: () => void): WaitingCommand {
  return {
    ...waiting,
    resolve(result) {
      settled();
      waiting.resolve(result);
    },
    reject(error) {
      settled();
      waiting.reject(error);
    },
  };
}

function draining(): StatewrightError {
  return failure('DRAINING', {
    remedy: 'Send it again in a moment, under the same command id; another worker takes it.',
  });
}

function busy(maxInFlight: number): StatewrightError {
  return failure('BUSY', {
    expected: `at most ${maxInFlight} unanswered commands`,
    found: 'one more',
    remedy: 'Send it again later, under the same command id.',
  });
}
