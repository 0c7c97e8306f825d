import { type Static, type TSchema, Type } from 'typebox';
import { Minor, Nothing } from '../../machines/schemas.ts';
import { aggregate } from '../../src/kernel/aggregate.ts';

const Amount = Type.Object({ amount: Minor });
const Offer = Type.Object({ number: Type.Integer({ minimum: 1 }) });
const WorkKind = Type.Union([
  Type.Literal('handle-lead'),
  Type.Literal('assess-fraud'),
  Type.Literal('complete-application'),
  Type.Literal('call-about-offer'),
  Type.Literal('call-about-papers'),
  Type.Literal('validate-application'),
  Type.Literal('change-contract'),
]);
const Work = Type.Object({ kind: WorkKind });

/** What clerks do on an application. */
export type WorkKind = Static<typeof WorkKind>;

/** What a loan application knows beside its states. */
interface LoanApplication {
  /** The sum asked for, in cents. */
  readonly amount: number;
  /** How many offers there were: the latest one's number, from 1. */
  readonly offers: number;
  /** The customer's signed papers came back, with this offer or with one before it. */
  readonly papersBack: boolean;
  /** The latest item of each kind of work. */
  readonly items: { readonly [Kind in WorkKind]?: 'scheduled' | 'started' | 'paused' };
  /** The work that somebody is at. */
  readonly inHand: WorkKind | null;
}

/** The vocabulary of a loan application, with the helpers that draw its machine. */
export const loan = aggregate('LoanApplication', {
  commands: {
    SubmitApplication: Amount,
    ...each(Nothing, 'PartlySubmitApplication', 'PreAcceptApplication', 'AcceptApplication', 'FinalizeApplication'),
    ...each(Nothing, 'ApproveApplication', 'RegisterApplication', 'ActivateApplication'),
    ...each(Nothing, 'DeclineApplication', 'CancelApplication'),
    ...each(Nothing, 'SelectOffer', 'CreateOffer', 'SendOffer', 'SendBackOffer'),
    ...each(Nothing, 'AcceptOffer', 'DeclineOffer', 'CancelOffer'),
    ...each(Work, 'ScheduleWork', 'StartWork', 'CompleteWork'),
  },
  events: {
    ApplicationSubmitted: Amount,
    ...each(Nothing, 'ApplicationPartlySubmitted', 'ApplicationPreAccepted', 'ApplicationAccepted'),
    ...each(Nothing, 'ApplicationFinalized', 'ApplicationApproved', 'ApplicationRegistered', 'ApplicationActivated'),
    ...each(Nothing, 'ApplicationDeclined', 'ApplicationCancelled'),
    ...each(Offer, 'OfferSelected', 'OfferCreated', 'OfferSent', 'OfferSentBack'),
    ...each(Offer, 'OfferAccepted', 'OfferDeclined', 'OfferCancelled'),
    ...each(Work, 'WorkScheduled', 'WorkStarted', 'WorkCompleted'),
  },
  context: { amount: 0, offers: 0, papersBack: false, items: {}, inHand: null } as LoanApplication,
});

function each<Schema extends TSchema, const Names extends readonly string[]>(schema: Schema, ...names: Names) {
  return Object.fromEntries(names.map((name) => [name, schema])) as { readonly [Name in Names[number]]: Schema };
}
