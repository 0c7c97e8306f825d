import type { AnyStateMachine, AnyTransitionDefinition } from 'xstate';
import type { Aggregate, AggregateState, Decision } from '../kernel/decider.ts';
import type { GivenCommand } from '../kernel/definition.ts';
import { advance, restore } from '../kernel/statechart.ts';

/** One command on a path. */
export interface Step {
  readonly before: AggregateState;
  readonly version: number;
  readonly command: GivenCommand;
  readonly decision: Decision;
}

type Node = AnyStateMachine['root'];

/** Every state and every transition of a machine, by name: `active.verified`, `active on VerifyEmail`, and the place in
 * the list where there are several. */
export function everythingOf(machine: AnyStateMachine): readonly string[] {
  const names: string[] = [];
  const visit = (node: Node): void => {
    if (node.parent !== undefined && node.type !== 'history') names.push(stateName(node));
    for (const transition of transitionsOf(node)) names.push(transitionName(transition));
    for (const child of Object.values(node.states)) visit(child);
  };
  visit(machine.root);
  return names;
}

/** What these steps reached of it. */
export function coverageOf(
  machine: AnyStateMachine,
  aggregate: Aggregate,
  steps: readonly Step[],
): ReadonlySet<string> {
  const reached = new Set<string>();
  for (const { before, command, decision } of steps) {
    let snapshot = restore(machine, aggregate.persist(before));
    for (const message of [command, ...(decision.kind === 'accepted' ? decision.events : [])]) {
      for (const node of snapshot._nodes) if (node.parent !== undefined) reached.add(stateName(node));
      const { next, taken, followed } = advance(machine, snapshot, message);
      for (const transition of [...taken, ...followed]) reached.add(transitionName(transition));
      snapshot = next;
    }
    for (const node of snapshot._nodes) if (node.parent !== undefined) reached.add(stateName(node));
  }
  return reached;
}

const transitionsOf = (node: Node): readonly AnyTransitionDefinition[] => [
  ...[...node.transitions.values()].flat(),
  ...(node.always ?? []),
];

/** `active.verified`; nothing for the root. */
export const stateName = (node: Node) => node.path.join('.');

/** `active on VerifyEmail`, and the place in the list where there are several. */
export function transitionName(transition: AnyTransitionDefinition): string {
  const { source, eventType } = transition;
  const beside = transitionsOf(source).filter((other) => other.eventType === eventType);
  const place = beside.length > 1 ? ` (${beside.indexOf(transition) + 1} of ${beside.length})` : '';
  return `${stateName(source) || 'the root'} ${eventType === '' ? 'always' : `on ${eventType}`}${place}`;
}
