import { loan, type WorkKind } from './loan-application.messages.ts';

const { emits, refuse, moves, on, state, define } = loan;

const closed = refuse('FILE_CLOSED', 'The application is closed; only what is in hand is wrapped up.');
const granting = refuse('GRANTING', 'The loan is being granted; there is no way back.');
const taken = refuse('STEP_TAKEN', 'This step of granting is taken already.');
const needsSigned = 'A loan is granted on an offer that the customer has signed.';
const unsigned = refuse('NO_SIGNED_OFFER', needsSigned);
const preparing = refuse('OFFER_IN_PREPARATION', 'An offer is in preparation; send it first.');
const notAccepted = refuse('NOT_ACCEPTED_YET', 'Only an accepted application gets an offer.');
const settled = refuse('OFFER_SETTLED', 'The bank and the customer are through with the offer.');
const notInHand = refuse('WORK_NOT_IN_HAND', 'Nobody has this work in hand.');

const nothing = () => ({});
const latest = ({ context }: { readonly context: { readonly offers: number } }) => ({ number: context.offers });

/** Refuses to plan and to begin some kinds of work. */
const noWork = (code: string, because: string, refused: (kind: WorkKind, papersBack: boolean) => boolean) =>
  on({
    ScheduleWork: refuse(code, because, ({ context, data }) => refused(data.kind, context.papersBack)),
    StartWork: refuse(code, because, ({ context, data }) => refused(data.kind, context.papersBack)),
  });
const onlyWork = (...kinds: readonly WorkKind[]) =>
  noWork('WORK_OUT_OF_STAGE', `Work at this stage: ${kinds.join(', ') || 'none'}.`, (kind) => !kinds.includes(kind));
const aboutOffers: readonly WorkKind[] = ['call-about-offer', 'call-about-papers', 'validate-application'];

const rejects = on({
  DeclineApplication: emits('ApplicationDeclined', nothing),
  ApplicationDeclined: moves('declined'),
  CancelApplication: emits('ApplicationCancelled', nothing),
  ApplicationCancelled: moves('cancelled'),
});
const noWayBack = on({
  DeclineApplication: granting,
  CancelApplication: granting,
  SelectOffer: granting,
  DeclineOffer: granting,
  CancelOffer: granting,
});

/** How far the bank's decision is. Granting takes three steps, in any order. */
const application = state({
  initial: 'submitted',
  states: {
    submitted: {
      on: {
        ...onlyWork(),
        SelectOffer: notAccepted,
        PartlySubmitApplication: emits('ApplicationPartlySubmitted', nothing),
        ApplicationPartlySubmitted: moves('partlySubmitted'),
      },
    },
    partlySubmitted: {
      on: {
        ...rejects,
        ...onlyWork('handle-lead', 'assess-fraud'),
        SelectOffer: notAccepted,
        PreAcceptApplication: emits('ApplicationPreAccepted', nothing),
        ApplicationPreAccepted: moves('preAccepted'),
      },
    },
    preAccepted: {
      on: {
        ...rejects,
        ...onlyWork('complete-application', 'assess-fraud'),
        SelectOffer: notAccepted,
        AcceptApplication: emits('ApplicationAccepted', nothing),
        ApplicationAccepted: moves('accepted'),
      },
    },
    accepted: {
      on: {
        ...rejects,
        ...onlyWork('complete-application', 'assess-fraud'),
        CreateOffer: refuse('NOT_FINALIZED', 'An offer is drawn up for a finalized application.'),
        FinalizeApplication: emits('ApplicationFinalized', nothing),
        ApplicationFinalized: moves('finalized'),
      },
    },
    finalized: {
      type: 'parallel',
      on: { ...rejects, ...onlyWork(...aboutOffers, 'assess-fraud', 'change-contract') },
      onDone: moves('granted'),
      states: {
        approval: {
          initial: 'pending',
          states: {
            pending: {
              on: { ApproveApplication: emits('ApplicationApproved', nothing), ApplicationApproved: moves('approved') },
            },
            approved: { type: 'final', on: { ...noWayBack, ApproveApplication: taken } },
          },
        },
        registration: {
          initial: 'pending',
          states: {
            pending: {
              on: {
                RegisterApplication: emits('ApplicationRegistered', nothing),
                ApplicationRegistered: moves('registered'),
              },
            },
            registered: { type: 'final', on: { ...noWayBack, RegisterApplication: taken } },
          },
        },
        activation: {
          initial: 'pending',
          states: {
            pending: {
              on: {
                ActivateApplication: emits('ApplicationActivated', nothing),
                ApplicationActivated: moves('activated'),
              },
            },
            activated: { type: 'final', on: { ...noWayBack, ActivateApplication: taken } },
          },
        },
      },
    },
    granted: { type: 'final', on: noWayBack },
    declined: {
      type: 'final',
      on: { CancelOffer: refuse('DECLINED', 'With the application goes its offer: declined.') },
    },
    cancelled: {
      type: 'final',
      on: { DeclineOffer: refuse('CANCELLED', 'With the application goes its offer: cancelled.') },
    },
  },
});

const noneOut = on({
  ...noWork('NO_OFFER_OUT', 'No offer is with the customer.', (kind) => aboutOffers.includes(kind)),
  ApproveApplication: unsigned,
  RegisterApplication: unsigned,
  ActivateApplication: unsigned,
});
const inPreparation = on({
  ...noneOut,
  SelectOffer: preparing,
  DeclineApplication: preparing,
  CancelApplication: preparing,
});
const out = on({
  DeclineOffer: emits('OfferDeclined', latest),
  OfferDeclined: moves('declined'),
  CancelOffer: emits('OfferCancelled', latest),
  OfferCancelled: moves('none'),
  SelectOffer: emits('OfferSelected', ({ context }) => ({ number: context.offers + 1 })),
  OfferSelected: moves('replacing', ({ data }) => ({ offers: data.number })),
  OfferAccepted: moves('accepted'),
  ApplicationDeclined: moves('lapsing'),
  ApplicationCancelled: moves('lapsing'),
});
/** Sent, but not come back: the papers of an offer before it may do. */
const whileOut = on({
  ...noWork(
    'PAPERS_MISSING',
    'It waits for the signed papers.',
    (kind, papersBack) => kind === 'validate-application' || (kind === 'call-about-papers' && !papersBack),
  ),
  ApproveApplication: refuse('NO_SIGNED_OFFER', needsSigned, ({ context }) => !context.papersBack),
  RegisterApplication: refuse('NO_SIGNED_OFFER', needsSigned, ({ context }) => !context.papersBack),
  ActivateApplication: refuse('NO_SIGNED_OFFER', needsSigned, ({ context }) => !context.papersBack),
  AcceptOffer: [
    refuse('PAPERS_MISSING', 'The customer has signed no offer yet.', ({ context }) => !context.papersBack),
    emits('OfferAccepted', latest),
  ],
});

/** Where the latest offer stands. There is one at a time; a new one replaces the one that is out. */
const offers = state({
  initial: 'none',
  states: {
    none: {
      on: {
        ...noneOut,
        SelectOffer: emits('OfferSelected', ({ context }) => ({ number: context.offers + 1 })),
        OfferSelected: moves('selected', ({ data }) => ({ offers: data.number })),
        ApplicationDeclined: moves('over'),
        ApplicationCancelled: moves('over'),
      },
    },
    replacing: {
      on: {
        ...inPreparation,
        CreateOffer: refuse('OFFER_STILL_OUT', 'Cancel the offer that it replaces first.'),
        CancelOffer: emits('OfferCancelled', ({ context }) => ({ number: context.offers - 1 })),
        OfferCancelled: moves('selected'),
      },
    },
    selected: { on: { ...inPreparation, CreateOffer: emits('OfferCreated', latest), OfferCreated: moves('created') } },
    created: { on: { ...inPreparation, SendOffer: emits('OfferSent', latest), OfferSent: moves('sent') } },
    sent: {
      on: {
        ...out,
        ...whileOut,
        SendBackOffer: emits('OfferSentBack', latest),
        OfferSentBack: moves('sentBack', () => ({ papersBack: true })),
      },
    },
    sentBack: { on: { ...out, AcceptOffer: emits('OfferAccepted', latest) } },
    lapsing: {
      on: {
        DeclineOffer: emits('OfferDeclined', latest),
        OfferDeclined: moves('over'),
        CancelOffer: emits('OfferCancelled', latest),
        OfferCancelled: moves('over'),
      },
    },
    declined: {
      type: 'final',
      on: { ...noneOut, SelectOffer: settled, CancelApplication: settled },
    },
    accepted: {
      type: 'final',
      on: { SelectOffer: settled, DeclineApplication: settled, CancelApplication: settled },
    },
    over: { type: 'final', on: { SelectOffer: closed } },
  },
});

const schedules = on({
  ScheduleWork: [
    refuse(
      'WORK_SCHEDULED',
      'It waits to be started already.',
      ({ context, data }) => context.items[data.kind] === 'scheduled',
    ),
    emits('WorkScheduled', ({ data }) => data),
  ],
  WorkScheduled: moves(null, ({ context, data }) => ({ items: { ...context.items, [data.kind]: 'scheduled' } })),
});
const completes = (target: string) =>
  on({
    CompleteWork: [
      refuse('WORK_NOT_IN_HAND', 'Nobody has this work in hand.', ({ context, data }) => context.inHand !== data.kind),
      emits('WorkCompleted', ({ data }) => data),
    ],
    // A new item of the kind may have been scheduled meanwhile.
    WorkCompleted: moves(target, ({ context: { items }, data }) => ({
      inHand: null,
      items: items[data.kind] === 'scheduled' ? items : { ...items, [data.kind]: 'paused' },
    })),
  });
const ends = (target: string) =>
  on({
    ApplicationApproved: moves(target),
    ApplicationRegistered: moves(target),
    ApplicationActivated: moves(target),
    ApplicationDeclined: moves(target),
    ApplicationCancelled: moves(target),
  });
const noMoreWork = on({ ScheduleWork: closed, StartWork: closed });

/** Who works on it: a file lies on one desk at a time, and the bank's decision ends the work. */
const work = state({
  initial: 'waiting',
  states: {
    waiting: {
      on: {
        ...schedules,
        ...ends('over'),
        StartWork: [
          refuse(
            'WORK_NOT_SCHEDULED',
            'It was never scheduled.',
            ({ context, data }) => context.items[data.kind] === undefined,
          ),
          emits('WorkStarted', ({ data }) => data),
        ],
        WorkStarted: moves('inHand', ({ context, data }) => ({
          inHand: data.kind,
          items: { ...context.items, [data.kind]: 'started' },
        })),
        CompleteWork: notInHand,
      },
    },
    inHand: {
      on: {
        ...schedules,
        ...ends('wrappingUp'),
        ...completes('waiting'),
        StartWork: refuse('FILE_IN_HAND', 'Somebody has the file in hand.'),
      },
    },
    wrappingUp: { on: { ...noMoreWork, ...completes('over') } },
    over: { type: 'final', on: { ...noMoreWork, CompleteWork: notInHand } },
  },
});

/** A loan application at a Dutch bank, as docs/workloads.md tells it. */
export const loanApplication = define({
  initial: 'absent',
  states: {
    absent: {
      on: {
        SubmitApplication: emits('ApplicationSubmitted', ({ data }) => data),
        ApplicationSubmitted: moves('filed', ({ data }) => data),
      },
    },
    filed: {
      type: 'parallel',
      states: { application, offers, work },
      on: { SubmitApplication: refuse('APPLICATION_EXISTS', 'The application is submitted already.') },
      onDone: moves('closed'),
    },
    closed: { type: 'final', on: { ...noMoreWork, CompleteWork: notInHand } },
  },
});
