import type { AnyMachineSnapshot, AnyStateMachine, EventFromLogic, SnapshotFrom } from 'xstate';
import { initial, step } from '../kernel/statechart.ts';

/** A machine without context, stepped for many at once: each of its states is one snapshot that all share. */
export interface SharedSteps<Machine extends AnyStateMachine> {
  readonly initial: SnapshotFrom<Machine>;
  /** The state after the event; the same object when it takes none. The first time it is worked out, then looked up. */
  next(from: SnapshotFrom<Machine>, type: EventFromLogic<Machine>['type']): SnapshotFrom<Machine>;
}

/** @param machine has no context, no actions, and events that are their type alone. */
export function createSharedSteps<Machine extends AnyStateMachine>(machine: Machine): SharedSteps<Machine> {
  type State = SnapshotFrom<Machine>;
  const states = new Map<string, State>();
  const steps = new Map<State, Map<string, State>>();
  const shared = (state: State): State => {
    const key = JSON.stringify((state as AnyMachineSnapshot).value);
    const known = states.get(key) ?? state;
    states.set(key, known);
    return known;
  };
  return {
    initial: shared(initial(machine)),
    next(from, type) {
      const known = steps.get(from)?.get(type);
      if (known !== undefined) return known;
      const next = shared(step(machine, from, { type } as EventFromLogic<Machine>));
      const outgoing = steps.get(from) ?? new Map<string, State>();
      steps.set(from, outgoing.set(type, next));
      return next;
    },
  };
}
