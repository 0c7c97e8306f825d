import {
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type ContextFrom,
  createActor,
  getNextTransitions,
  type InputFrom,
} from 'xstate';
import { everythingOf, stateName, transitionName } from '../../src/testing/machine-coverage.ts';

export interface PathOptions<Machine extends AnyStateMachine> {
  /** What the machine is started with, each in turn. */
  readonly inputs?: readonly InputFrom<Machine>[];
  /** What an event may carry, by its type; each is tried. Default: nothing. */
  readonly carried?: (type: string) => readonly object[];
  /** What tells two situations in the same state apart. Default: nothing, the state is enough. */
  readonly apart?: (context: ContextFrom<Machine>) => unknown;
}

/** The states and transitions that no path reaches. Paths are grown event by event, breadth first, from every start: in
 * each new situation every event is tried that some active state has a transition for, those of delays and invocations
 * too. Delays don't run by themselves here, and the machine's invocations are to be given as ones that never end. */
export function unreached<Machine extends AnyStateMachine>(
  machine: Machine,
  { inputs = [undefined as InputFrom<Machine>], carried = () => [{}], apart = () => undefined }: PathOptions<Machine>,
): readonly string[] {
  const reached = new Set<string>();
  for (const input of inputs) {
    const known = new Set<string>();
    let paths: readonly (readonly { readonly type: string }[])[] = [[]];
    while (paths.length > 0) {
      paths = paths.flatMap((path) => {
        const snapshot = walked(machine, input, path, reached);
        const situation = JSON.stringify([snapshot.value, apart(snapshot.context)]);
        if (known.has(situation)) return [];
        known.add(situation);
        if (snapshot.status !== 'active') return [];
        const types = new Set(getNextTransitions(snapshot).map(({ eventType }) => eventType));
        types.delete('');
        return [...types].flatMap((type) => carried(type).map((more) => [...path, { ...more, type }]));
      });
    }
  }
  return everythingOf(machine).filter((name) => !reached.has(name));
}

function walked(
  machine: AnyStateMachine,
  input: unknown,
  path: readonly { readonly type: string }[],
  reached: Set<string>,
): AnyMachineSnapshot {
  const actor = createActor(machine, {
    input,
    clock: { setTimeout: () => undefined, clearTimeout: () => {} },
    inspect(inspected) {
      if (inspected.type !== '@xstate.microstep') return;
      for (const transition of inspected._transitions) {
        reached.add(transitionName(transition));
        // A state that is left at once is in no snapshot.
        reached.add(stateName(transition.source));
      }
    },
  });
  actor.start();
  for (const event of path) actor.send(event);
  const snapshot = actor.getSnapshot();
  for (const node of snapshot._nodes) reached.add(stateName(node));
  actor.stop();
  return snapshot;
}
