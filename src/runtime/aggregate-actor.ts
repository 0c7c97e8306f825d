import type { aggregateLifecycleMachine } from '../../machines/aggregate-lifecycle.machine.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Aggregate } from '../kernel/decider.ts';
import { asFailure, failure, isFailure, StatewrightError } from '../kernel/errors.ts';
import type { StreamId } from '../kernel/message.ts';
import type { AppendOutcome } from '../ports/event-store.ts';
import type { Logger, Telemetry } from '../ports/telemetry.ts';
import { answerCommitted, answerDuplicate } from './answer.ts';
import type { Committer } from './committer.ts';
import type { Gate } from './gate.ts';
import { catchUp, type Hydrated, type HydrateOptions, hydrate } from './hydrate.ts';
import { Mailbox } from './mailbox.ts';
import { type Proposal, propose, type WaitingCommand } from './proposal.ts';
import type { SharedSteps } from './shared-steps.ts';
import type { Snapshotter } from './snapshotter.ts';

type Lifecycle = SharedSteps<typeof aggregateLifecycleMachine>;

/** What all actors of one aggregate type share. */
export interface ActorWorld {
  readonly aggregate: Aggregate;
  readonly committer: Committer;
  readonly snapshotter: Snapshotter;
  readonly history: HydrateOptions;
  readonly hydrations: Gate;
  readonly lifecycle: Lifecycle;
  readonly mailboxCapacity: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
}

/**
 * One aggregate in memory: decides its commands one at a time, in mailbox order, on the state that its pending entries
 * would lead to, and answers each when the store has committed everything it was decided on.
 *
 * A class, unlike most of the house: a hundred thousand are resident at once, and methods are shared where closures are
 * not. An idle one holds its state and nothing else.
 */
export class AggregateActor {
  readonly stream: StreamId;
  readonly #world: ActorWorld;
  #lifecycle: Lifecycle['initial'];
  /** As committed; undefined unless resident. */
  #at: Hydrated | undefined;
  #work: Work | undefined;
  #trouble: Trouble | undefined;

  constructor(stream: StreamId, world: ActorWorld) {
    this.stream = stream;
    this.#world = world;
    this.#lifecycle = world.lifecycle.initial;
  }

  /** Takes a command into the mailbox. It is answered through `waiting`, MAILBOX_FULL at once. */
  deliver(waiting: WaitingCommand): void {
    const trouble = this.quarantinedBy;
    if (trouble !== undefined) {
      waiting.reject(quarantined(this.stream, trouble));
      return;
    }
    this.#work ??= this.#newWork();
    if (!this.#work.mailbox.offer(waiting)) {
      this.#world.telemetry.count('mailbox_full_total', { aggregate: this.stream.type });
      waiting.reject(mailboxFull(this.stream, this.#world.mailboxCapacity));
      return;
    }
    this.#tell('command.received');
    if (this.#lifecycle.hasTag('deciding')) this.#decideWaiting(this.#work);
  }

  /** Whether nothing waits and nothing would be lost by letting it go. */
  get idle(): boolean {
    return this.#work === undefined && this.#lifecycle.value !== 'quarantined';
  }

  /** What a quarantined one stumbles over. */
  get quarantinedBy(): StatewrightError | undefined {
    return this.#lifecycle.value === 'quarantined' ? this.#trouble?.error : undefined;
  }

  /** The state of its lifecycle, for whoever watches. */
  get state(): Lifecycle['initial']['value'] {
    return this.#lifecycle.value;
  }

  /** Lets an idle one go; the caller forgets it. Its snapshots are the snapshotter's, its events the log's. */
  passivate(why: 'idle.timeout' | 'evicted'): void {
    this.#tell(why);
    this.#tell('passivated');
    this.#at = undefined;
  }

  #tell(event: Parameters<Lifecycle['next']>[1]): void {
    const before = this.#lifecycle;
    this.#lifecycle = this.#world.lifecycle.next(before, event);
    if (this.#lifecycle !== before && this.#lifecycle.value === 'hydrating') void this.#hydrate();
  }

  #newWork(): Work {
    return {
      mailbox: new Mailbox(this.#world.mailboxCapacity),
      pending: [],
      again: [],
      speculative: this.#at,
      doubt: false,
    };
  }

  async #hydrate(): Promise<void> {
    const { aggregate, history, hydrations } = this.#world;
    try {
      this.#at = await hydrations.run(() => hydrate(aggregate, this.stream, history));
    } catch (error) {
      return this.#unreadable(asFailure(error, 'INTERNAL'), 'hydration.failed', 'hydration.abandoned');
    }
    this.#tell('hydrated');
    this.#resume();
  }

  /** Goes on from the committed state. */
  #resume(): void {
    const work = this.#work;
    if (work === undefined) return;
    work.speculative = this.#at;
    work.doubt = false;
    this.#tell('command.received');
    this.#decideWaiting(work);
  }

  #decideWaiting(work: Work): void {
    while (!work.doubt && work.speculative !== undefined && work.pending.length < maxPending) {
      const next = work.mailbox.peek();
      // A caller's expected version is compared with what is committed, not with what may come to nothing.
      if (next === undefined || (next.expectedVersion !== undefined && work.pending.length > 0)) break;
      let proposal: Proposal;
      try {
        proposal = propose(this.#world.aggregate, this.stream, work.speculative, next);
      } catch (error) {
        // An answer too: it waits until what it was decided on is committed, and is then decided again.
        if (work.pending.length > 0) break;
        work.mailbox.take();
        next.reject(asFailure(error, 'DECIDE_FAILED'));
        continue;
      }
      work.mailbox.take();
      work.pending.push(proposal);
      work.speculative = proposal.after;
      this.#world.committer.submit(proposal.entry, (outcome) => this.#settle(work, proposal, outcome));
    }
    if (work.pending.length > 0 || work.mailbox.size > 0) return;
    this.#work = undefined;
    this.#tell('committed.all');
  }

  /** Outcomes come in the order of the entries. After one that was not committed, what was decided on it is in doubt. */
  #settle(work: Work, proposal: Proposal, outcome: AppendOutcome | StatewrightError): void {
    const { waiting, entry } = proposal;
    work.pending.shift();
    if (outcome instanceof StatewrightError) {
      work.doubt = true;
      waiting.reject(outcome);
    } else if (outcome.kind === 'committed') {
      if (!work.doubt && entry.events.length > 0) this.#advance(proposal, outcome.position);
      waiting.resolve(answerCommitted(proposal, outcome));
    } else if (outcome.kind === 'duplicate') {
      if (entry.events.length > 0) work.doubt = true;
      const answer = answerDuplicate(this.#world.history.events, this.stream, waiting, outcome.first);
      answer.then(waiting.resolve, (error: unknown) => waiting.reject(asFailure(error, 'INTERNAL')));
    } else {
      if (outcome.kind === 'claimed') waiting.claimed = this.#world.aggregate.claimRefusal(outcome.claim);
      else waiting.claimed = undefined;
      // Those behind the first lost nothing of their own: they only stood on it.
      if (!work.doubt && outcome.kind === 'conflict') waiting.tries += 1;
      work.doubt = true;
      work.again.push(waiting);
    }
    if (!work.doubt) this.#decideWaiting(work);
    else if (work.pending.length === 0) void this.#recover(work);
  }

  #advance({ after }: Proposal, position: number): void {
    const before = this.#at?.version ?? 0;
    this.#at = { ...after, position };
    this.#world.snapshotter.passed(this.#world.aggregate, this.stream, before, this.#at);
  }

  /** Reads what the log holds now, and decides again what came to nothing, in its old order. */
  async #recover(work: Work): Promise<void> {
    const { aggregate, history, telemetry } = this.#world;
    this.#tell('race.lost');
    telemetry.count('races_lost_total', { aggregate: this.stream.type });
    try {
      const known = this.#at?.eventId === undefined ? undefined : this.#at;
      const caughtUp = known && (await catchUp(aggregate, this.stream, known, history.events));
      this.#at = caughtUp ?? (await hydrate(aggregate, this.stream, history));
    } catch (error) {
      return this.#unreadable(asFailure(error, 'INTERNAL'), 'fold.failed', 'state.doubtful');
    }
    this.#decideAgain(work);
    this.#tell('tail.read');
    this.#resume();
  }

  #decideAgain(work: Work): void {
    const again = work.again.filter(({ tries }) => tries < maxTries);
    for (const waiting of work.again) if (waiting.tries >= maxTries) waiting.reject(contention(this.stream));
    work.again = [];
    work.mailbox.putBack(again);
  }

  /** A history that can't be folded is the aggregate's trouble; one that can't be read now is only the moment's. */
  #unreadable(
    error: StatewrightError,
    faulty: 'hydration.failed' | 'fold.failed',
    passing: 'hydration.abandoned' | 'state.doubtful',
  ) {
    this.#at = undefined;
    if (!isFailure(error, 'EVENT_NOT_FOLDABLE')) {
      this.#tell(passing);
      return this.#rejectAll(error);
    }
    if (this.#work !== undefined) this.#decideAgain(this.#work);
    this.#tell(faulty);
    const { clock, logger } = this.#world;
    const since = clock.monotonicMs() - budgetWindowMs;
    const failures = [...(this.#trouble?.failures ?? []).filter((atMs) => atMs > since), clock.monotonicMs()];
    logger.error(
      { err: error, stream: this.stream, failures: failures.length },
      'The history of an aggregate cannot be folded.',
    );
    if (failures.length >= restartBudget) {
      this.#trouble = { error, failures };
      this.#tell('budget.spent');
      this.#rejectAll(quarantined(this.stream, error));
    } else {
      this.#trouble = { error, failures };
      clock.setTimeout(() => this.#tell('restart.due'), restartDelayMs * 2 ** failures.length);
    }
  }

  #rejectAll(error: StatewrightError): void {
    const work = this.#work;
    this.#work = undefined;
    if (work === undefined) return;
    for (const waiting of [...work.again, ...work.mailbox.takeAll()]) waiting.reject(error);
  }
}

/** What only a busy actor has. */
interface Work {
  readonly mailbox: Mailbox<WaitingCommand>;
  /** Submitted and not settled, oldest first. */
  readonly pending: Proposal[];
  /** To be decided again, oldest first. */
  again: WaitingCommand[];
  /** The state that the pending entries lead to; undefined until hydrated. */
  speculative: Hydrated | undefined;
  /** Set when an entry was not committed: nothing is decided until the rest is settled and the log was read. */
  doubt: boolean;
}

interface Trouble {
  readonly error: StatewrightError;
  /** When its history could not be folded, in the last minute (monotonic milliseconds). */
  readonly failures: readonly number[];
}

/** Entries of one aggregate in flight at once. */
const maxPending = 256;
/** Races that one command may lose. */
const maxTries = 5;
const restartBudget = 5;
const budgetWindowMs = 60_000;
const restartDelayMs = 100;

function mailboxFull({ type, id }: StreamId, capacity: number): StatewrightError {
  return failure('MAILBOX_FULL', {
    expected: `at most ${capacity} waiting commands`,
    found: `one more for ${type} ${JSON.stringify(id)}`,
    remedy: 'Send it again later, under the same command id.',
  });
}

function contention({ type, id }: StreamId): StatewrightError {
  return failure('CONTENTION', {
    expected: 'an append within five tries',
    found: `other writers were faster each time on ${type} ${JSON.stringify(id)}`,
    remedy: 'Send it again, under the same command id.',
  });
}

function quarantined({ type, id }: StreamId, cause: StatewrightError): StatewrightError {
  return failure('AGGREGATE_QUARANTINED', {
    expected: `a history of ${type} ${JSON.stringify(id)} that today's machine can fold`,
    found: cause.message,
    remedy: 'Deploy a machine that folds it (`statewright verify` lists such streams), or try another worker.',
    cause,
  });
}
