import type { EventsOf } from '../../src/kernel/definition.ts';
import type { CommandId, RecordedEvent } from '../../src/kernel/message.ts';
import type { CommandRequest } from '../../src/runtime/command.ts';
import { defineAggregate, defineProjection } from '../../src/runtime/define.ts';
import { loanApplication } from './loan-application.machine.ts';
import type { WorkKind } from './loan-application.messages.ts';
import type { Workload } from './workload.ts';

/** What a row of the bank's log asks for.
 * @param number of the row in the log, from 1: the command's id, so that a second run changes nothing.
 * @throws Error for a row that is no JSON, or of an activity that the log doesn't have. */
export function commandOf(row: string, number: number): CommandRequest & { readonly commandId: CommandId } {
  const { at, case: id, activity, lifecycle, resource, amount } = JSON.parse(row) as LogRow;
  const kind = workKinds[activity.slice(2)];
  const type = kind === undefined ? steps[activity] : sessions[lifecycle];
  if (type === undefined) throw new Error(`Row ${number}: no such activity: ${activity} ${lifecycle}`);
  return {
    stream: { type: 'LoanApplication', id },
    type,
    data: kind !== undefined ? { kind } : type === 'SubmitApplication' ? { amount: Number(amount) * 100 } : {},
    commandId: `row-${number}` as CommandId,
    occurredAt: new Date(at).toISOString(),
    source: 'loan-log',
    ...(resource === undefined ? {} : { userId: resource }),
  };
}

/** One application in the read model. */
export type LoanRow = {
  readonly id: string;
  readonly amountMinor: number;
  readonly outcome: 'open' | 'approved' | 'declined' | 'cancelled';
  readonly submittedAt: string;
  readonly decidedAt: string | null;
  readonly offers: number;
  readonly offersSentBack: number;
  /** How often somebody took the file in hand, and for how long in all. */
  readonly sessions: number;
  readonly workedMs: number;
  readonly inHandSince: string | null;
};

/** The bank's applications: by id, by outcome, with totals by outcome. */
export const loanApplications = defineProjection<LoanRow>({
  name: 'loan-applications',
  on: ['LoanApplication.*'],
  key: ({ stream }) => stream.id,
  fold(row, event) {
    if (isA('ApplicationSubmitted', event)) return submitted(event.stream.id, event.data.amount, event.meta.occurredAt);
    const change = row === null ? undefined : changes[event.type as keyof Events];
    return row === null || change === undefined ? row : { ...row, ...change(row, event.meta.occurredAt) };
  },
  totals: ({ outcome, amountMinor, offers }) => ({
    applications: 1,
    [outcome]: 1,
    [`${outcome}Minor`]: amountMinor,
    offers,
  }),
  index: ({ outcome }) => ({ outcome }),
  order: ({ submittedAt }) => submittedAt,
});

/** The bank's log as a workload. */
export const loanApplicationWorkload: Workload = {
  aggregate: defineAggregate(loanApplication),
  projection: loanApplications,
  outcomes: ['approved', 'declined', 'cancelled', 'open'],
  commandOf,
};

type Events = EventsOf<typeof loanApplication>;

/** A row of the log as the bank wrote it. */
interface LogRow {
  readonly at: string;
  readonly case: string;
  readonly activity: string;
  readonly lifecycle: string;
  readonly resource?: string;
  readonly amount: string;
}

const steps: Readonly<Record<string, string>> = {
  A_SUBMITTED: 'SubmitApplication',
  A_PARTLYSUBMITTED: 'PartlySubmitApplication',
  A_PREACCEPTED: 'PreAcceptApplication',
  A_ACCEPTED: 'AcceptApplication',
  A_FINALIZED: 'FinalizeApplication',
  A_APPROVED: 'ApproveApplication',
  A_REGISTERED: 'RegisterApplication',
  A_ACTIVATED: 'ActivateApplication',
  A_DECLINED: 'DeclineApplication',
  A_CANCELLED: 'CancelApplication',
  O_SELECTED: 'SelectOffer',
  O_CREATED: 'CreateOffer',
  O_SENT: 'SendOffer',
  O_SENT_BACK: 'SendBackOffer',
  O_ACCEPTED: 'AcceptOffer',
  O_DECLINED: 'DeclineOffer',
  O_CANCELLED: 'CancelOffer',
};

const workKinds: Readonly<Record<string, WorkKind>> = {
  'Afhandelen leads': 'handle-lead',
  'Beoordelen fraude': 'assess-fraud',
  'Completeren aanvraag': 'complete-application',
  'Nabellen offertes': 'call-about-offer',
  'Nabellen incomplete dossiers': 'call-about-papers',
  'Valideren aanvraag': 'validate-application',
  'Wijzigen contractgegevens': 'change-contract',
};

const sessions: Readonly<Record<string, string>> = {
  SCHEDULE: 'ScheduleWork',
  START: 'StartWork',
  COMPLETE: 'CompleteWork',
};

const submitted = (id: string, amountMinor: number, submittedAt: string): LoanRow => ({
  id,
  amountMinor,
  outcome: 'open',
  submittedAt,
  decidedAt: null,
  offers: 0,
  offersSentBack: 0,
  sessions: 0,
  workedMs: 0,
  inHandSince: null,
});

const changes: { readonly [Type in keyof Events]?: (row: LoanRow, at: string) => Partial<LoanRow> } = {
  ApplicationApproved: (_, at) => ({ outcome: 'approved', decidedAt: at }),
  ApplicationDeclined: (_, at) => ({ outcome: 'declined', decidedAt: at }),
  ApplicationCancelled: (_, at) => ({ outcome: 'cancelled', decidedAt: at }),
  OfferSelected: ({ offers }) => ({ offers: offers + 1 }),
  OfferSentBack: ({ offersSentBack }) => ({ offersSentBack: offersSentBack + 1 }),
  WorkStarted: ({ sessions }, at) => ({ sessions: sessions + 1, inHandSince: at }),
  WorkCompleted: ({ workedMs, inHandSince }, at) => ({
    workedMs: workedMs + Date.parse(at) - Date.parse(inHandSince ?? at),
    inHandSince: null,
  }),
};

function isA<Type extends keyof Events>(
  type: Type,
  event: RecordedEvent,
): event is RecordedEvent & { readonly data: Events[Type] } {
  return event.type === type;
}
