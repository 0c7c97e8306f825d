import { Type } from 'typebox';
import { aggregate } from '../../kernel/aggregate.ts';
import { type Aggregate, defineAggregate } from '../../kernel/decider.ts';

const Amount = Type.Object({ amount: Type.Integer() });

const { emits, decides, refuse, moves, define } = aggregate('Account', {
  commands: {
    Open: Type.Object({ name: Type.String() }),
    Deposit: Amount,
    Split: Amount,
    Close: Type.Object({}),
    Throw: Type.Object({}),
  },
  events: { Opened: Type.Object({ name: Type.String() }), Deposited: Amount, Closed: Type.Object({}) },
  context: { name: '', balance: 0 },
  claims: ({ name }) => (name ? [`name:${name}`] : []),
  claimed: { name: ['NAME_TAKEN', 'Another account has this name.'] },
});

const explode = (): never => {
  throw new Error('a guard that throws');
};

/** An aggregate with a claim, several events from one command, a guard that throws and a final state. */
export const account: Aggregate = defineAggregate(
  define({
    initial: 'absent',
    states: {
      absent: {
        on: { Open: emits('Opened', ({ data }) => data), Opened: moves('open', ({ data }) => ({ name: data.name })) },
      },
      open: {
        on: {
          Open: refuse('ALREADY_OPEN', 'The account is open already.'),
          Deposit: emits('Deposited', ({ data }) => data),
          Split: decides('Deposited', ({ data }) =>
            Array.from({ length: data.amount }, () => ({ type: 'Deposited' as const, data: { amount: 1 } })),
          ),
          Close: emits('Closed', () => ({})),
          Throw: emits('Closed', () => ({}), explode),
          Deposited: moves(null, ({ context, data }) => ({ balance: context.balance + data.amount })),
          Closed: moves('closed'),
        },
      },
      closed: {
        type: 'final',
        on: { Close: refuse('CLOSED', 'The account is closed.'), Deposit: refuse('CLOSED', 'The account is closed.') },
      },
    },
  }),
);
