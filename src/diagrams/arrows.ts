import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';
import { commandMeta } from '../kernel/emissions.ts';

/** One arrow of a diagram, from the state that has the transition to the one that it leads to. */
export interface Arrow {
  readonly from: AnyStateNode;
  readonly to: AnyStateNode;
  readonly label: string;
}

export interface ArrowOptions {
  /** Draws the refusals of an aggregate too, as arrows that stay. Default false. */
  readonly refusals?: boolean;
}

/** The arrows of a machine in document order. Of an aggregate only the events' moves, each with the commands that cause it. */
export function arrowsOf(machine: AnyStateMachine, { refusals = false }: ArrowOptions = {}): readonly Arrow[] {
  const nodes = nodesOf(machine.root);
  const causes = causesOf(nodes);
  return nodes.flatMap((node) =>
    transitionsOf(node).flatMap((transition): Arrow[] => {
      const meta = commandMeta(transition);
      if (meta !== undefined && (meta.kind !== 'refuses' || !refusals)) return [];
      const label =
        meta?.kind === 'refuses' ? `${transition.eventType} ✗ ${meta.code}` : labelOf(node, transition, causes);
      const targets = transition.target ?? [node];
      return targets.map((to) => ({ from: node, to, label }));
    }),
  );
}

/** The node and all below it, in document order. */
export function nodesOf(node: AnyStateNode): readonly AnyStateNode[] {
  return [node, ...Object.values(node.states).flatMap(nodesOf)];
}

function transitionsOf(node: AnyStateNode): readonly AnyTransitionDefinition[] {
  return [...[...node.transitions.values()].flat(), ...(node.always ?? [])];
}

/** Which commands emit an event, and where. */
type Causes = ReadonlyMap<string, readonly { readonly command: string; readonly node: AnyStateNode }[]>;

function causesOf(nodes: readonly AnyStateNode[]): Causes {
  const causes = new Map<string, { command: string; node: AnyStateNode }[]>();
  for (const node of nodes) {
    for (const transition of transitionsOf(node)) {
      const meta = commandMeta(transition);
      if (meta === undefined || meta.kind === 'refuses') continue;
      for (const event of meta.events) {
        causes.set(event, [...(causes.get(event) ?? []), { command: transition.eventType, node }]);
      }
    }
  }
  return causes;
}

function labelOf(node: AnyStateNode, transition: AnyTransitionDefinition, causes: Causes): string {
  const near = (causes.get(transition.eventType) ?? []).filter(
    (cause) => isAbove(cause.node, node) || isAbove(node, cause.node),
  );
  const commands = [...new Set(near.map(({ command }) => command))].join(', ');
  const guard = guardOf(transition.guard);
  const event = eventOf(node, transition.eventType) || (guard === '' ? 'otherwise' : '');
  return [commands === '' ? event : `${commands} / ${event}`, guard].filter(Boolean).join(' ');
}

const isAbove = (above: AnyStateNode, below: AnyStateNode): boolean =>
  above === below || (below.parent !== undefined && isAbove(above, below.parent));

/** XState's own events by what they mean: a delay, an invocation's end, a final child. */
function eventOf(node: AnyStateNode, type: string): string {
  const [, delay] = /^xstate\.after\.(.+?)\./.exec(`${type}.`) ?? [];
  if (delay !== undefined) return /^\d+$/.test(delay) ? `after ${delay} ms` : `after ${delay}`;
  // An immediate transition has the empty event.
  const invoked = node.invoke.find(({ id }) => type.endsWith(`.actor.${id}`));
  if (invoked !== undefined) {
    const actor = typeof invoked.src === 'string' ? invoked.src : 'invoked';
    return type.startsWith('xstate.error') ? `${actor} failed` : `${actor} done`;
  }
  return type.startsWith('xstate.done.state.') ? 'done' : type;
}

function guardOf(guard: AnyTransitionDefinition['guard']): string {
  if (guard === undefined) return '';
  if (typeof guard === 'string') return `[${guard}]`;
  return typeof guard === 'object' && 'type' in guard ? `[${guard.type}]` : '[when]';
}
