import { existsSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AggregateState } from '../../src/kernel/decider.ts';
import type { GivenCommand } from '../../src/kernel/definition.ts';
import type { EventId, Json, RecordedEvent } from '../../src/kernel/message.ts';
import type { CommandRequest } from '../../src/runtime/command.ts';
import { given } from '../../src/testing/given-when-then.ts';
import { loanApplication } from './loan-application.machine.ts';
import { type LoanRow, loanApplicationWorkload } from './loan-application.ts';
import { loanLog } from './loan-log.ts';
import { linesOf } from './log-file.ts';

const { aggregate, projection, commandOf } = loanApplicationWorkload;
const root = new URL('../..', import.meta.url);

describe.skipIf(!existsSync(loanLog))(`the loan log ${loanLog}`, () => {
  let whole: Folded;
  beforeAll(async () => {
    whole = await fold(linesOf(loanLog));
  }, 120_000);

  it('ends with what the bank decided', () => {
    expect(whole.rows).toBe(262_200);
    expect(whole.outcomes).toEqual({ approved: 2_246, declined: 7_635, cancelled: 2_807, open: 399 });
  });

  it('is accepted but for less than a hundredth', () => {
    expect(whole.refused.length / whole.rows).toBeLessThan(0.01);
  });

  it('is refused just where docs/workloads.md says', () => {
    expect(countsOf(whole.refused)).toEqual(documentedRefusals());
  });

  it('leaves nothing to do on a closed application', () => {
    const done = [...whole.states.values()].filter((state) => aggregate.describe(state).status === 'done');
    expect(done).toHaveLength(12_685);
  });

  it('is mostly refused when the rows of a case come backwards', async () => {
    const cases = new Map<string, string[]>();
    for await (const line of linesOf(loanLog, 40_000)) {
      const { case: id } = JSON.parse(line) as { readonly case: string };
      cases.set(id, [...(cases.get(id) ?? []), line]);
    }
    const backwards = [...cases.values()].flatMap(([first = '', ...rest]) => [first, ...rest.reverse()]);
    const { rows, refused } = await fold(backwards);
    expect(refused.length / rows).toBeGreaterThan(0.8);
  });
});

describe('a loan application', () => {
  const submitted = [{ type: 'ApplicationSubmitted', data: { amount: 15_000_00 } }, step('PartlySubmitted')] as const;
  const accepted = [...submitted, step('PreAccepted'), step('Accepted')] as const;
  const finalized = [...accepted, offer('Selected', 1), step('Finalized')] as const;
  const sent = [...finalized, offer('Created', 1), offer('Sent', 1)] as const;
  const signed = [...sent, offer('SentBack', 1)] as const;

  it('is approved, registered and activated in any order, on a signed offer', () => {
    given(loanApplication, sent).when('RegisterApplication', {}).thenRefuses('NO_SIGNED_OFFER');
    given(loanApplication, signed).when('RegisterApplication', {}).thenEmits(step('Registered'));
    given(loanApplication, [
      ...signed,
      offer('Accepted', 1),
      step('Registered'),
      step('Activated'),
      step('Approved'),
    ]).thenState('closed', { papersBack: true });
  });

  it('is never declined once granting began', () => {
    given(loanApplication, [...signed, step('Activated')])
      .when('DeclineApplication', {})
      .thenRefuses('GRANTING');
  });

  it('gets an offer when it is accepted, drawn up when it is finalized', () => {
    given(loanApplication, submitted).when('SelectOffer', {}).thenRefuses('NOT_ACCEPTED_YET');
    given(loanApplication, accepted).when('SelectOffer', {}).thenEmits(offer('Selected', 1));
    given(loanApplication, [...accepted, offer('Selected', 1)])
      .when('CreateOffer', {})
      .thenRefuses('NOT_FINALIZED');
    given(loanApplication, finalized).when('CreateOffer', {}).thenEmits(offer('Created', 1));
  });

  it('has one offer out at a time: a new one is drawn up when the old one is cancelled', () => {
    const replacing = [...sent, offer('Selected', 2)] as const;
    given(loanApplication, replacing).when('CreateOffer', {}).thenRefuses('OFFER_STILL_OUT');
    given(loanApplication, replacing).when('CancelOffer', {}).thenEmits(offer('Cancelled', 1));
    given(loanApplication, [...replacing, offer('Cancelled', 1)])
      .when('CreateOffer', {})
      .thenEmits(offer('Created', 2));
  });

  it('keeps signed papers good for the offer that follows', () => {
    given(loanApplication, sent).when('AcceptOffer', {}).thenRefuses('PAPERS_MISSING');
    given(loanApplication, [
      ...signed,
      offer('Selected', 2),
      offer('Cancelled', 1),
      offer('Created', 2),
      offer('Sent', 2),
    ])
      .when('AcceptOffer', {})
      .thenEmits(offer('Accepted', 2));
  });

  it('lies on one desk at a time', () => {
    const started = [...submitted, work('Scheduled', 'handle-lead'), work('Started', 'handle-lead')] as const;
    given(loanApplication, [...started, work('Scheduled', 'assess-fraud')])
      .when('StartWork', { kind: 'assess-fraud' })
      .thenRefuses('FILE_IN_HAND');
    given(loanApplication, started).when('CompleteWork', { kind: 'assess-fraud' }).thenRefuses('WORK_NOT_IN_HAND');
    given(loanApplication, started)
      .when('CompleteWork', { kind: 'handle-lead' })
      .thenEmits(work('Completed', 'handle-lead'));
  });

  it('is validated only while the signed offer is back', () => {
    const validate = { kind: 'validate-application' } as const;
    given(loanApplication, accepted).when('ScheduleWork', validate).thenRefuses('WORK_OUT_OF_STAGE');
    given(loanApplication, finalized).when('ScheduleWork', validate).thenRefuses('NO_OFFER_OUT');
    given(loanApplication, sent).when('ScheduleWork', validate).thenRefuses('PAPERS_MISSING');
    given(loanApplication, signed).when('ScheduleWork', validate).thenEmits(work('Scheduled', validate.kind));
  });

  it('lets what is in hand be wrapped up after the decision, and nothing be begun', () => {
    const declined = [
      ...submitted,
      work('Scheduled', 'handle-lead'),
      work('Started', 'handle-lead'),
      step('Declined'),
    ] as const;
    given(loanApplication, declined).when('ScheduleWork', { kind: 'handle-lead' }).thenRefuses('FILE_CLOSED');
    given(loanApplication, declined).when('CompleteWork', { kind: 'handle-lead' }).thenState('closed');
  });
});

type Step =
  | 'PartlySubmitted'
  | 'PreAccepted'
  | 'Accepted'
  | 'Finalized'
  | 'Approved'
  | 'Registered'
  | 'Activated'
  | 'Declined';
function step<Name extends Step>(name: Name) {
  return { type: `Application${name}` as const, data: {} };
}

type OfferStep = 'Selected' | 'Created' | 'Sent' | 'SentBack' | 'Accepted' | 'Cancelled';
function offer<Name extends OfferStep>(name: Name, number: number) {
  return { type: `Offer${name}` as const, data: { number } };
}

function work<Name extends 'Scheduled' | 'Started' | 'Completed', Kind extends string>(name: Name, kind: Kind) {
  return { type: `Work${name}` as const, data: { kind } };
}

interface Folded {
  readonly rows: number;
  /** The code of each refusal, with its command. */
  readonly refused: readonly string[];
  readonly states: ReadonlyMap<string, AggregateState>;
  readonly outcomes: Readonly<Record<string, number>>;
}

/** The log through the kernel alone: decided, folded and projected. */
async function fold(lines: Iterable<string> | AsyncIterable<string>): Promise<Folded> {
  const states = new Map<string, AggregateState>();
  const versions = new Map<string, number>();
  const readModel = new Map<string, Json>();
  const refused: string[] = [];
  let rows = 0;
  for await (const line of lines) {
    rows += 1;
    const request = commandOf(line, rows);
    const { id } = request.stream;
    const version = versions.get(id) ?? 0;
    const decision = aggregate.decide(states.get(id) ?? aggregate.initial, commandFrom(request), version);
    if (decision.kind === 'refused') {
      refused.push(`${decision.code} ${request.type}`);
      continue;
    }
    states.set(id, decision.next);
    versions.set(id, version + decision.events.length);
    for (const event of decision.events) {
      const recorded: RecordedEvent = { ...event, ...about(request, version + 1) };
      readModel.set(id, projection.fold(readModel.get(id) ?? null, recorded));
    }
  }
  const outcomes = countsOf([...readModel.values()].map((row) => (row as unknown as LoanRow).outcome));
  return { rows, refused, states, outcomes };
}

function commandFrom({ type, data, stream, commandId, occurredAt = '', source = '' }: CommandRequest): GivenCommand {
  if (commandId === undefined) throw new Error('A row has a command id.');
  const ids = { commandId, correlationId: commandId, causationId: commandId };
  return {
    type,
    data: aggregate.parseCommand(type, data),
    meta: { ...ids, occurredAt, source, schema: 1 },
    aggregateId: stream.id,
  };
}

const about = ({ stream, occurredAt = '' }: CommandRequest, version: number) => ({
  id: '' as EventId,
  stream,
  version,
  position: 0,
  recordedAt: occurredAt,
});

function countsOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** The table of refusals: | `CODE` | `Command` | rows | … */
function documentedRefusals(): Record<string, number> {
  const text = readFileSync(new URL('docs/workloads.md', root), 'utf8');
  const lines = text.matchAll(/^\| `([A-Z_]+)` \| `(\w+)` \| ([\d,]+) \|/gm);
  return Object.fromEntries(
    [...lines].map(([, code, type, rows = '']) => [`${code} ${type}`, Number(rows.replace(',', ''))]),
  );
}
