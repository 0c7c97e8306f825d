import type { Aggregate } from '../kernel/decider.ts';
import type { GivenCommand } from '../kernel/definition.ts';
import type { StatewrightError } from '../kernel/errors.ts';
import { freshId } from '../kernel/fresh-id.ts';
import type { LegalCommand } from '../kernel/legal.ts';
import type { EventId, Json, NewEvent, Refused, StreamId } from '../kernel/message.ts';
import type { AppendEntry, ExpectedVersion } from '../ports/event-store.ts';
import type { CommandResult } from './command.ts';
import type { Hydrated } from './hydrate.ts';

/** A command on its way through one aggregate's mailbox. */
export interface WaitingCommand {
  readonly command: GivenCommand;
  /** The caller named the id, so that a refusal is recorded under it too. */
  readonly ownId: boolean;
  /** Of type and data; only what has an id of its own can be sent twice. */
  readonly fingerprint: string;
  readonly expectedVersion: number | undefined;
  resolve(result: CommandResult): void;
  reject(error: StatewrightError): void;
  /** How often it lost a race as the oldest pending command. */
  tries: number;
  /** Set when the store said that another stream holds a claim which the command wants. */
  claimed: Refused | undefined;
}

/** What a command comes to, decided on `base` and waiting for the store's judgement. */
export interface Proposal {
  readonly waiting: WaitingCommand;
  readonly base: Hydrated;
  /** The state with the events folded in; `base` itself for a refusal. */
  readonly after: Hydrated;
  readonly entry: AppendEntry;
  readonly refusal: (Refused & { readonly commands: readonly LegalCommand[] }) | undefined;
}

/**
 * Decides. Pure but for the fresh event ids. A refusal is an entry too, one without events: so that no answer is given
 * on a state that another worker has overtaken.
 * @throws whatever the decision threw; it fails this command alone.
 */
export function propose(aggregate: Aggregate, stream: StreamId, base: Hydrated, waiting: WaitingCommand): Proposal {
  const decision = refusedBefore(base, waiting) ?? aggregate.decide(base.state, waiting.command, base.version);
  const expected = fence(base);
  if (decision.kind === 'refused') {
    const { code, because } = decision;
    const refusal = { code, because, commands: aggregate.legal(base.state, base.version) };
    const record = { ...commandOf(waiting), refused: { code, because, commands: refusal.commands as unknown as Json } };
    const entry = { stream, expected, events: [], ...(waiting.ownId ? { command: record } : {}) };
    return { waiting, base, after: base, entry, refusal };
  }
  const events = decision.events.map((event): NewEvent => ({ id: freshId() as EventId, ...event }));
  const last = events[events.length - 1];
  const after = {
    state: decision.next,
    version: base.version + events.length,
    eventId: last?.id,
    position: base.position,
  };
  const entry = { stream, expected, events, command: commandOf(waiting), ...claimChange(aggregate, base, after) };
  return { waiting, base, after, entry, refusal: undefined };
}

function refusedBefore(base: Hydrated, { claimed, expectedVersion }: WaitingCommand) {
  if (expectedVersion !== undefined && expectedVersion !== base.version) {
    const because = `The aggregate is at version ${base.version}, not ${expectedVersion}.`;
    return { kind: 'refused', code: 'VERSION_CONFLICT', because } as const;
  }
  return claimed === undefined ? undefined : ({ kind: 'refused', ...claimed } as const);
}

/** Version and last event: an entry decided on events that never came is refused, even where the version fits again. */
function fence({ version, eventId }: Hydrated): ExpectedVersion {
  return eventId === undefined ? 'none' : { version, eventId };
}

const commandOf = ({ command, fingerprint }: WaitingCommand) => ({ id: command.meta.commandId, fingerprint });

/** What the events change in the claims that the stream holds. */
function claimChange(aggregate: Aggregate, base: Hydrated, after: Hydrated): Pick<AppendEntry, 'take' | 'release'> {
  const before = aggregate.claims(base.state);
  const then = aggregate.claims(after.state);
  if (before.length === 0 && then.length === 0) return {};
  return {
    take: then.filter((claim) => !before.includes(claim)),
    release: before.filter((claim) => !then.includes(claim)),
  };
}
