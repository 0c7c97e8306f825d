import { describe, it } from 'vitest';
import { notification } from '../../machines/notification.machine.ts';
import { given } from '../../src/testing/given-when-then.ts';

const request = {
  type: 'email',
  to: 'ada@example.org',
  template: 'welcome',
  data: { firstName: 'Ada', tags: [1, null, { deep: true }] },
  metadata: { eventId: 'event-1', userId: 'user-1' },
} as const;
const requested = { type: 'NotificationRequested', data: request } as const;
const started = (attempt: number) => ({ type: 'DeliveryStarted', data: { attempt } }) as const;
const delivered = (attempts: number) =>
  ({ type: 'NotificationDelivered', data: { deliveredAt: '2026-01-01T00:00:00.000Z', attempts } }) as const;
const failed = (attempts: number) =>
  ({
    type: 'NotificationFailed',
    data: { reason: 'unknown address', failedAt: '2026-01-01T00:00:00.000Z', attempts },
  }) as const;

const waiting = given(notification, [requested]);
const underway = given(notification, [requested, started(1), started(2)]);
const arrived = given(notification, [requested, started(1), delivered(1)]);
const abandoned = given(notification, [requested, started(1), failed(1)]);

describe('a notification', () => {
  it('is requested once', () => {
    given(notification)
      .when('RequestNotification', request)
      .thenEmits(requested)
      .thenState('requested', { ...request, requestedAt: '2026-01-01T00:00:00.000Z', attempts: 0 });
    for (const known of [waiting, underway, arrived, abandoned]) {
      known.when('RequestNotification', request).thenRefuses('ALREADY_REQUESTED');
    }
  });

  it('starts again when its worker is gone, and counts', () => {
    given(notification).when('StartDelivery', {}).thenRefuses('NOT_FOUND');
    waiting.when('StartDelivery', {}).thenEmits(started(1)).thenState('started', { attempts: 1 });
    underway.when('StartDelivery', {}).thenEmits(started(3)).thenState('started', { attempts: 3 });
    arrived.when('StartDelivery', {}).thenRefuses('ALREADY_DELIVERED');
    abandoned.when('StartDelivery', {}).thenRefuses('ALREADY_FAILED');
  });

  it('is delivered once, when started', () => {
    waiting.when('CompleteDelivery', {}).thenRefuses('NOT_STARTED');
    underway.when('CompleteDelivery', {}).thenEmits(delivered(2)).thenState('delivered');
    arrived.when('CompleteDelivery', {}).thenRefuses('ALREADY_DELIVERED');
    abandoned.when('CompleteDelivery', {}).thenRefuses('ALREADY_FAILED');
  });

  it('fails for good until it is delivered', () => {
    const reason = { reason: 'unknown address' };
    waiting.when('FailDelivery', reason).thenEmits(failed(0)).thenState('failed');
    underway.when('FailDelivery', reason).thenEmits(failed(2)).thenState('failed');
    arrived.when('FailDelivery', reason).thenRefuses('ALREADY_DELIVERED');
    abandoned.when('FailDelivery', reason).thenRefuses('ALREADY_FAILED');
  });
});
