import { describe, expect, it } from 'vitest';
import { notification } from '../../machines/notification.machine.ts';
import { order } from '../../machines/order.machine.ts';
import { user } from '../../machines/user.machine.ts';
import { defineAggregate } from '../../src/kernel/decider.ts';
import type { AggregateDefinition } from '../../src/kernel/definition.ts';
import type { CommandId, Json } from '../../src/kernel/message.ts';

/** Histories as stores hold them. What they fold to may change only with the revision: snapshots are keyed by it, and a
 * hash can't see a changed function. Raise `revision` in the machine, then write the new states here. */
const golden: readonly [AggregateDefinition, number, readonly [string, Json][], readonly Json[]][] = [
  [
    user,
    1,
    [
      ['UserCreated', { email: 'Ada@example.org', firstName: 'Ada', lastName: 'Lovelace' }],
      ['EmailVerified', { email: 'Ada@example.org', verifiedAt: '2026-01-02T00:00:00.000Z' }],
      [
        'UserProfileUpdated',
        { firstName: 'Augusta', lastName: 'King', previousFirstName: 'Ada', previousLastName: 'Lovelace' },
      ],
      ['UserDeactivated', { reason: 'left', deactivatedAt: '2026-01-03T00:00:00.000Z' }],
    ],
    [
      {
        value: { active: 'unverified' },
        context: { email: 'Ada@example.org', firstName: 'Ada', lastName: 'Lovelace' },
      },
      { value: { active: 'verified' }, context: { email: 'Ada@example.org', firstName: 'Ada', lastName: 'Lovelace' } },
      { value: { active: 'verified' }, context: { email: 'Ada@example.org', firstName: 'Augusta', lastName: 'King' } },
      { value: 'inactive', context: { email: 'Ada@example.org', firstName: 'Augusta', lastName: 'King' } },
    ],
  ],
  ...orders(),
  [
    notification,
    1,
    [
      ['NotificationRequested', { type: 'push', to: 'u1', template: 't', data: { a: 1 }, metadata: { eventId: 'e1' } }],
      ['DeliveryStarted', { attempt: 1 }],
      ['NotificationDelivered', { deliveredAt: '2026-01-02T00:00:00.000Z', attempts: 1 }],
    ],
    ['requested', 'started', 'delivered'].map((value, attempts) => ({
      value,
      context: {
        type: 'push',
        to: 'u1',
        template: 't',
        data: { a: 1 },
        metadata: { eventId: 'e1' },
        requestedAt: '2026-01-01T00:00:00.000Z',
        attempts: Math.min(attempts, 1),
      },
    })),
  ],
];

describe.each(golden)('$name', (definition, revision, history, states) => {
  it('folds its recorded history to the same states, as long as its revision is the same', () => {
    const aggregate = defineAggregate(definition);
    const meta = {
      occurredAt: '2026-01-01T00:00:00.000Z',
      commandId: 'command' as CommandId,
      correlationId: 'correlation',
      causationId: 'command',
      source: 'golden',
      schema: 1,
    };
    let state = aggregate.initial;
    const folded = history.map(([type, data]) => {
      state = aggregate.evolve(state, { type, data, meta });
      return aggregate.persist(state);
    });
    expect({ revision: definition.revision, folded }).toEqual({ revision, folded: states });
  });
});

function orders(): typeof golden {
  const items = [{ sku: 'A', name: 'Pen', quantity: 2, unitPrice: 150 }];
  const facts = { userId: 'u1', customerEmail: 'a@b', orderNumber: 'ORD-1', total: 300, items };
  const shipment = { trackingNumber: 'T', trackingUrl: 'https://t.example', estimatedDelivery: 'soon' };
  const placed: [string, Json] = ['OrderPlaced', { ...facts, currency: 'EUR' }];
  const completed: [string, Json] = ['OrderCompleted', facts];
  const shipped: [string, Json] = [
    'OrderShipped',
    { ...shipment, userId: 'u1', customerEmail: 'a@b', orderNumber: 'ORD-1' },
  ];
  const cancelled: [string, Json] = [
    'OrderCancelled',
    { reason: 'late', userId: 'u1', total: 300, wasCompleted: true },
  ];
  const at = (...values: string[]) => values.map((value) => ({ value, context: facts }));
  return [
    [order, 1, [placed, completed, shipped], at('placed', 'completed', 'shipped')],
    [order, 1, [placed, completed, cancelled], at('placed', 'completed', 'cancelled')],
    [order, 1, [placed, cancelled], at('placed', 'cancelled')],
  ];
}
