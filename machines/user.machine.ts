import { Type } from 'typebox';
import { aggregate } from '../src/kernel/aggregate.ts';
import { Email, Nothing, Text, Time } from './schemas.ts';

const Name = Type.Object({ firstName: Text, lastName: Text });
const Person = Type.Object({ email: Email, ...Name.properties });

const { emits, refuse, moves, define } = aggregate('User', {
  commands: {
    CreateUser: Person,
    VerifyEmail: Nothing,
    UpdateUserProfile: Name,
    DeactivateUser: Type.Object({ reason: Text }),
  },
  events: {
    UserCreated: Person,
    EmailVerified: Type.Object({ email: Email, verifiedAt: Time }),
    UserProfileUpdated: Type.Object({ ...Name.properties, previousFirstName: Text, previousLastName: Text }),
    UserDeactivated: Type.Object({ reason: Text, deactivatedAt: Time }),
  },
  context: { email: '', firstName: '', lastName: '' },
  claims: ({ email }) => (email ? [`email:${email}`] : []),
  claimed: { email: ['EMAIL_TAKEN', 'Another user has this email.'] },
});

const exists = refuse('USER_EXISTS', 'The user exists already.');
const inactive = refuse('USER_INACTIVE', 'The user is deactivated.');

/** A person with an account; `email` is unique, also after deactivation. */
export const user = define({
  initial: 'absent',
  states: {
    absent: {
      on: {
        CreateUser: emits('UserCreated', ({ data }) => data),
        UserCreated: moves('active', ({ data }) => data),
      },
    },
    active: {
      initial: 'unverified',
      states: {
        unverified: {
          on: {
            VerifyEmail: emits('EmailVerified', ({ context, meta }) => ({
              email: context.email,
              verifiedAt: meta.occurredAt,
            })),
            EmailVerified: moves('verified'),
          },
        },
        verified: {
          on: { VerifyEmail: refuse('EMAIL_ALREADY_VERIFIED', 'The email is verified already.') },
        },
      },
      on: {
        CreateUser: exists,
        UpdateUserProfile: emits('UserProfileUpdated', ({ context, data }) => ({
          ...data,
          previousFirstName: context.firstName,
          previousLastName: context.lastName,
        })),
        UserProfileUpdated: moves(null, ({ data: { firstName, lastName } }) => ({ firstName, lastName })),
        DeactivateUser: emits('UserDeactivated', ({ data, meta }) => ({ ...data, deactivatedAt: meta.occurredAt })),
        UserDeactivated: moves('inactive'),
      },
    },
    inactive: {
      type: 'final',
      on: {
        CreateUser: exists,
        VerifyEmail: inactive,
        UpdateUserProfile: inactive,
        DeactivateUser: refuse('ALREADY_DEACTIVATED', 'The user is deactivated already.'),
      },
    },
  },
});
