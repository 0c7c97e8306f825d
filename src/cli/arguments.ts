import { InvalidArgumentError, Option } from 'commander';
import { eventPattern } from '../ports/event-bus.ts';

/** Reads a whole number that is `minimum` at least. */
export function whole(minimum: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(value) && value >= minimum) return value;
    throw new InvalidArgumentError(`Expected a whole number, ${minimum} at least.`);
  };
}

/** Reads a time, and gives it in UTC. */
export function time(text: string): string {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new InvalidArgumentError('Expected a time such as 2026-01-31T12:00:00Z.');
  return new Date(ms).toISOString();
}

/** Reads a pattern of events. */
export function pattern(text: string): string {
  if (eventPattern.test(text)) return text;
  throw new InvalidArgumentError('Expected Aggregate.Event with * for one part, such as User.* or *.OrderPlaced.');
}

/** Of the commands that work: the names of what runs in this process, when others run the rest. */
export function subscriptionsOption(): Option {
  return new Option(
    '--subscriptions <names>',
    'run only these read models and subscriptions: users,notifications',
  ).argParser((text) => text.split(',').map((name) => name.trim()));
}
