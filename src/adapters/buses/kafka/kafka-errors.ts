import { failure, isFailure, type StatewrightError } from '../../../kernel/errors.ts';
import { busUnavailable } from '../bus-errors.ts';

/** What went wrong while the bus was opened: refused credentials and rights are the operator's to set right. */
export function openingFailure(brokers: string, error: unknown): StatewrightError {
  if (!isFailure(error) && typesOf(error).some((type) => refusals.test(type))) {
    return failure('INVALID_CONFIGURATION', {
      expected: `credentials that ${brokers} accepts`,
      found: error instanceof Error ? error.message : String(error),
      remedy: 'Look at the user name, the password, the mechanism, and the rights of this user.',
      cause: error,
    });
  }
  return busUnavailable(brokers, error);
}

/** True when a broker found the message, or the batch that it was in, too large. */
export function isTooLarge(error: unknown): boolean {
  return typesOf(error).some((type) => type === 'MESSAGE_TOO_LARGE' || type === 'RECORD_LIST_TOO_LARGE');
}

/** Names and protocol errors of the error and of what caused it. */
function typesOf(error: unknown): readonly string[] {
  const found: string[] = [];
  let each = error;
  for (let depth = 0; depth < 10 && typeof each === 'object' && each !== null; depth++) {
    const { name, type, cause } = each as { name?: unknown; type?: unknown; cause?: unknown };
    for (const one of [name, type]) if (typeof one === 'string') found.push(one);
    each = cause;
  }
  return found;
}

const refusals = /SASLAuthenticationError$|^SASL_|_SASL_MECHANISM$|^ILLEGAL_SASL_STATE$|_AUTHORIZATION_FAILED$/;
