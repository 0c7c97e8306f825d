import type { RecordedEvent } from '../kernel/message.ts';
import { matchesPattern } from '../ports/event-bus.ts';
import type { RuntimeContext } from './context.ts';

/** Whether an event fits one of the patterns; each kind of event is worked out once. */
export function createMatcher(patterns: readonly string[]): (event: Pick<RecordedEvent, 'stream' | 'type'>) => boolean {
  const known = new Map<string, boolean>();
  return ({ stream, type }) => {
    const kind = `${stream.type}.${type}`;
    const before = known.get(kind);
    if (before !== undefined) return before;
    const matches = patterns.some((pattern) => matchesPattern(pattern, stream.type, type));
    known.set(kind, matches);
    return matches;
  };
}

/** The event as today's code would have written it. @throws NEWER_EVENT */
export function asToday(context: Pick<RuntimeContext, 'aggregates'>, event: RecordedEvent): RecordedEvent {
  return context.aggregates.get(event.stream.type)?.upcast(event) ?? event;
}
