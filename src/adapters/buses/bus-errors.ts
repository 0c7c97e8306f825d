import { failure, isFailure, type StatewrightError } from '../../kernel/errors.ts';
import type { RecordedEvent } from '../../kernel/message.ts';

/** The bus was closed. */
export function busClosed(): StatewrightError {
  return failure('BUS_CLOSED', { expected: 'an open bus', found: 'one that was closed' });
}

/** The broker does not answer now; an error of ours stays what it is. @param broker where, without its password. */
export function busUnavailable(broker: string, cause: unknown): StatewrightError {
  if (isFailure(cause)) return cause;
  const found = cause instanceof Error ? cause.message : String(cause);
  return failure('BUS_UNAVAILABLE', { expected: `an answer from ${broker}`, found, cause });
}

/** Nothing of the call was sent, as the one before it failed. */
export function behindFailed(cause: unknown): StatewrightError {
  if (isFailure(cause, 'BUS_UNAVAILABLE', 'BUS_CLOSED')) return cause;
  const found = cause instanceof Error ? cause.message : String(cause);
  return failure('BUS_UNAVAILABLE', { expected: 'the messages before to be on their way', found, cause });
}

/** The event's message is larger than the bus takes. */
export function messageTooLarge({ id, stream, type }: RecordedEvent, bytes: number, maxBytes: number) {
  return failure('MESSAGE_TOO_LARGE', {
    expected: `${maxBytes} bytes at most`,
    found: `${bytes} in ${stream.type}.${type} ${id}`,
    remedy: 'Raise the limit of the broker and the bus, or keep the event smaller.',
    details: { eventId: id, bytes, maxBytes },
  });
}
