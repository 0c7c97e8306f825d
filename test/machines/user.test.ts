import { describe, it } from 'vitest';
import { user } from '../../machines/user.machine.ts';
import { given } from '../../src/testing/given-when-then.ts';

const ada = { email: ' Ada@Example.org', firstName: 'Ada', lastName: 'Lovelace' };
const created = { type: 'UserCreated', data: ada } as const;
const verified = {
  type: 'EmailVerified',
  data: { email: ada.email, verifiedAt: '2026-01-01T00:00:00.000Z' },
} as const;
const deactivated = {
  type: 'UserDeactivated',
  data: { reason: 'left', deactivatedAt: '2026-01-01T00:00:00.000Z' },
} as const;

describe('a user', () => {
  it('is created once, and holds the email as it is compared, spelled as it was given', () => {
    given(user)
      .when('CreateUser', ada)
      .thenEmits(created)
      .thenState({ active: 'unverified' }, ada)
      .thenClaims('email:ada@example.org');
    given(user, [created]).when('CreateUser', ada).thenRefuses('USER_EXISTS');
    given(user, [created, deactivated]).when('CreateUser', ada).thenRefuses('USER_EXISTS');
  });

  it('verifies the email once', () => {
    given(user).when('VerifyEmail', {}).thenRefuses('NOT_FOUND');
    given(user, [created]).when('VerifyEmail', {}).thenEmits(verified).thenState({ active: 'verified' });
    given(user, [created, verified]).when('VerifyEmail', {}).thenRefuses('EMAIL_ALREADY_VERIFIED');
    given(user, [created, deactivated]).when('VerifyEmail', {}).thenRefuses('USER_INACTIVE');
  });

  it('changes names, tells the former ones, and stays verified', () => {
    const name = { firstName: 'Augusta', lastName: 'King' };
    const updated = {
      type: 'UserProfileUpdated',
      data: { ...name, previousFirstName: 'Ada', previousLastName: 'Lovelace' },
    } as const;
    given(user).when('UpdateUserProfile', name).thenRefuses('NOT_FOUND');
    given(user, [created, verified])
      .when('UpdateUserProfile', name)
      .thenEmits(updated)
      .thenState({ active: 'verified' }, { email: ada.email, ...name });
    given(user, [created, updated])
      .when('UpdateUserProfile', { firstName: 'Ada', lastName: 'King' })
      .thenEmits({
        type: 'UserProfileUpdated',
        data: { firstName: 'Ada', lastName: 'King', previousFirstName: 'Augusta', previousLastName: 'King' },
      });
    given(user, [created, deactivated]).when('UpdateUserProfile', name).thenRefuses('USER_INACTIVE');
  });

  it('is deactivated once, and keeps its email', () => {
    given(user).when('DeactivateUser', { reason: 'left' }).thenRefuses('NOT_FOUND');
    given(user, [created])
      .when('DeactivateUser', { reason: 'left' }, { occurredAt: '2026-01-01T00:00:00.000Z' })
      .thenEmits(deactivated)
      .thenState('inactive')
      .thenClaims('email:ada@example.org');
    given(user, [created, deactivated]).when('DeactivateUser', { reason: 'again' }).thenRefuses('ALREADY_DEACTIVATED');
  });
});
