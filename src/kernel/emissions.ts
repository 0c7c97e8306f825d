import type { AnyTransitionDefinition } from 'xstate';
import type { Action, CommandMeta } from './transitions.ts';

const known = new WeakMap<object, CommandMeta>();

/** Remembers what an action made by a helper emits: the action itself can't show it. */
export function knowAction(action: Action, meta: CommandMeta): void {
  known.set(action, meta);
}

/** Whether an action was made by a helper for commands. */
export function isKnown(action: unknown): boolean {
  return typeof action === 'function' && known.has(action);
}

/** What a command's transition emits; undefined when no helper made it. */
export function commandMeta({ actions: [action] }: AnyTransitionDefinition): CommandMeta | undefined {
  return typeof action === 'function' ? known.get(action) : undefined;
}
