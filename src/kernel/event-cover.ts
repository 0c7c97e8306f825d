import type { AnyStateMachine, AnyTransitionDefinition } from 'xstate';
import type { AggregateDefinition } from './definition.ts';
import { commandMeta } from './emissions.ts';

type Node = AnyStateMachine['root'];

/** The faults in who handles what: messages that no state handles, events that two states of one line handle, events
 * that are emitted where nothing handles them. */
export function faultyCover(
  nodes: readonly Node[],
  { schemas: { commands, events } }: AggregateDefinition,
): readonly string[] {
  const faults: string[] = [];
  for (const type of [...Object.keys(commands), ...Object.keys(events)]) {
    if (!nodes.some((node) => handles(node, type))) faults.push(`no state handles ${type}`);
  }
  for (const node of nodes) {
    for (const type of Object.keys(events)) {
      const above = ancestorsOf(node).find((ancestor) => handles(ancestor, type));
      if (handles(node, type) && above !== undefined) {
        faults.push(`${nameOf(node)} and ${nameOf(above)} above it both handle ${type}: XState would skip the latter`);
      }
    }
    for (const [command, transitions] of node.transitions) {
      for (const transition of transitions)
        faults.push(...uncovered(node, command, transition as AnyTransitionDefinition, events));
    }
  }
  return faults;
}

/** Of several events the first may lead to where the next is handled, so one that can come first is enough here;
 * folding before appending proves the rest. */
function uncovered(
  node: Node,
  command: string,
  transition: AnyTransitionDefinition,
  events: object,
): readonly string[] {
  const meta = commandMeta(transition);
  if (meta === undefined || meta.kind === 'refuses') return [];
  const undeclared = meta.events.filter((type) => !Object.hasOwn(events, type));
  if (undeclared.length > 0)
    return undeclared.map((type) => `${nameOf(node)} on ${command}: the event ${type} is not declared`);
  if (meta.events.some((type) => coveredAround(node, type) || coveredWithin(node, type, command))) return [];
  return [`${nameOf(node)} on ${command} emits ${meta.events.join(' or ')}, which is not handled there`];
}

function handles(node: Node, type: string): boolean {
  return (node.transitions.get(type as never)?.length ?? 0) > 0;
}

function ancestorsOf(node: Node): readonly Node[] {
  return node.parent === undefined ? [] : [node.parent, ...ancestorsOf(node.parent)];
}

/** Whether whatever else is active with `node` handles the event: an ancestor, or another region. */
function coveredAround(node: Node, type: string): boolean {
  const parent = node.parent;
  if (parent === undefined) return false;
  const regions = parent.type === 'parallel' ? childrenOf(parent).filter((region) => region !== node) : [];
  return handles(parent, type) || regions.some((region) => coveredWithin(region, type)) || coveredAround(parent, type);
}

/** Whether the event is handled in every configuration of `node` that leaves it the command. */
function coveredWithin(node: Node, type: string, command?: string): boolean {
  if (handles(node, type)) return true;
  const children = childrenOf(node).filter((child) => child.type !== 'history');
  if (children.length === 0) return false;
  const covers = (child: Node) =>
    coveredWithin(child, type, command) || (command !== undefined && takes(child, command));
  return node.type === 'parallel' ? children.some(covers) : children.every(covers);
}

/** Whether a child surely takes the command, so that its ancestors never see it. */
function takes(node: Node, command: string): boolean {
  const transitions = node.transitions.get(command as never) ?? [];
  if (transitions.some(({ guard }) => guard === undefined)) return true;
  const children = childrenOf(node).filter((child) => child.type !== 'history');
  if (children.length === 0) return false;
  return node.type === 'parallel'
    ? children.some((child) => takes(child, command))
    : children.every((child) => takes(child, command));
}

const nameOf = (node: Node) => node.path.join('.') || 'the root';

const childrenOf = (node: Node): readonly Node[] => Object.values(node.states);
