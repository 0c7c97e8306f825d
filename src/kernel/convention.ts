import type { AnyStateMachine, AnyTransitionDefinition } from 'xstate';
import { normaliseClaims } from './claims.ts';
import { toJson } from './codec.ts';
import type { AggregateDefinition } from './definition.ts';
import { initial } from './statechart.ts';
import { type Action, type CommandMeta, REFUSED } from './transitions.ts';

/** Remembers what an action made by a helper emits: XState's config can't show it. */
export function knowAction(action: Action, meta: CommandMeta): void {
  known.set(action, meta);
}

/** What a transition's actions emit; undefined when it isn't a command's. */
export function commandMeta(transition: AnyTransitionDefinition): CommandMeta | undefined {
  const [action] = transition.actions;
  return typeof action === 'function' ? known.get(action) : undefined;
}

/** Everything that breaks the convention, each in one sentence that names the state; none when it holds.
 * 1. Commands only emit; events only move and assign; entry, exit, `always` and `onDone` only assign.
 * 2. What this runtime can't do (`invoke`, `after`, `spawn`, `raise`, wildcards) is not there.
 * 3. Every `on` is a declared command or event, and each of them is handled somewhere.
 * 4. Every emitted event is declared, and handled wherever it can be emitted.
 * 5. A parent and a child never both handle one event.
 * 6. The start is quiet: no event, no claim, a context of JSON.
 * 7. Names are words; no name is both a command and an event.
 * 8. Upcasters, claim texts and revision fit what is declared. */
export function faultsOf(definition: AggregateDefinition): readonly string[] {
  const nodes = everyNode(definition.machine.root);
  return [
    ...faultyNames(definition),
    ...nodes.flatMap((node) => faultyState(node, definition)),
    ...faultyCover(nodes, definition),
    ...faultyStart(definition),
    ...faultyDeclaration(definition),
  ];
}

type Node = AnyStateMachine['root'];

const known = new WeakMap<object, CommandMeta>();
const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,99}$/;

function everyNode(node: Node): readonly Node[] {
  return [node, ...childrenOf(node).flatMap(everyNode)];
}

function childrenOf(node: Node): readonly Node[] {
  return Object.values(node.states ?? {});
}

const nameOf = (node: Node) => node.path.join('.') || 'the root';

const has = (map: object, key: string) => Object.hasOwn(map, key);

function faultyNames({ name, schemas: { commands, events } }: AggregateDefinition): readonly string[] {
  const names = [name, ...Object.keys(commands), ...Object.keys(events)];
  return [
    ...names
      .filter((each) => !NAME.test(each))
      .map((each) => `the name ${JSON.stringify(each)} is not a letter followed by up to 99 letters, digits, _ or -`),
    ...Object.keys(commands)
      .filter((type) => has(events, type))
      .map((type) => `${type} is both a command and an event`),
    ...(has(events, REFUSED) ? [`no event may be called ${REFUSED}`] : []),
  ];
}

function faultyState(node: Node, { machine, schemas: { commands, events } }: AggregateDefinition): readonly string[] {
  const here = nameOf(node);
  const faults: string[] = [];
  for (const key of ['invoke', 'after', 'route'] as const) {
    if (key in node.config) faults.push(`${here} has \`${key}\`, which an aggregate can't have`);
  }
  for (const [type, transitions] of node.transitions) {
    for (const transition of transitions as readonly AnyTransitionDefinition[]) {
      const at = `${here} on ${type}`;
      if (has(commands, type)) faults.push(...faultyCommand(transition, at, machine));
      else if (has(events, type) || type.startsWith('xstate.done.state.'))
        faults.push(...onlyAssigns(transition.actions, at, machine));
      else if (!type.startsWith('xstate.'))
        faults.push(
          `${at}: ${type.includes('*') ? 'wildcards are not for aggregates' : 'neither a command nor an event of this name is declared'}`,
        );
      faults.push(...faultyGuard(transition, at, machine));
    }
  }
  faults.push(
    ...onlyAssigns(node.entry, `${here} on entry`, machine),
    ...onlyAssigns(node.exit, `${here} on exit`, machine),
  );
  for (const always of node.always ?? [])
    faults.push(
      ...onlyAssigns(always.actions, `${here} always`, machine),
      ...faultyGuard(always, `${here} always`, machine),
    );
  if (node.type === 'compound') faults.push(...onlyAssigns(node.initial.actions, `${here} initially`, machine));
  return faults;
}

function faultyCommand(transition: AnyTransitionDefinition, at: string, machine: AnyStateMachine): readonly string[] {
  const faults: string[] = [];
  if (transition.target !== undefined) faults.push(`${at}: a command emits, it doesn't move`);
  if (transition.actions.length === 0) faults.push(`${at}: it neither emits nor refuses`);
  for (const action of transition.actions) {
    if (!(typeof action === 'function' && known.has(action))) {
      faults.push(`${at}: ${actionName(action, machine)} is not one of emits, decides, refuse`);
    }
  }
  return faults;
}

function onlyAssigns(actions: readonly unknown[], at: string, machine: AnyStateMachine): readonly string[] {
  return actions
    .map((action) => actionName(action, machine))
    .filter((name) => name !== 'xstate.assign')
    .map((name) => `${at}: ${name} is not an assignment, and only a command emits`);
}

/** The type of XState's own action that it stands for; a plain function is opaque. */
function actionName(action: unknown, machine: AnyStateMachine): string {
  if (typeof action === 'function')
    return 'type' in action ? String(action.type) : `the function ${action.name || '(anonymous)'}`;
  const type = typeof action === 'object' && action !== null && 'type' in action ? String(action.type) : String(action);
  const meant = machine.implementations.actions[type];
  return meant === undefined ? `the action "${type}", which has no implementation,` : actionName(meant, machine);
}

function faultyGuard({ guard }: AnyTransitionDefinition, at: string, machine: AnyStateMachine): readonly string[] {
  const name = typeof guard === 'object' && guard !== null && 'type' in guard ? guard.type : guard;
  if (typeof name !== 'string' || name in machine.implementations.guards) return [];
  return [`${at}: the guard "${name}" has no implementation`];
}

function faultyCover(
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
  const undeclared = meta.events.filter((type) => !has(events, type));
  if (undeclared.length > 0)
    return undeclared.map((type) => `${nameOf(node)} on ${command}: the event ${type} is not declared`);
  if (meta.events.some((type) => coveredAround(node, type) || coveredWithin(node, type, command))) return [];
  return [`${nameOf(node)} on ${command} emits ${meta.events.join(' or ')}, which is not handled there`];
}

function handles(node: Node, type: string): boolean {
  return (node.transitions.get(type as never)?.length ?? 0) > 0;
}

function ancestorsOf(node: Node): readonly Node[] {
  return node.parent === undefined ? [] : [node.parent as Node, ...ancestorsOf(node.parent as Node)];
}

/** Whether whatever else is active with `node` handles the event: an ancestor, or another region. */
function coveredAround(node: Node, type: string): boolean {
  const parent = node.parent as Node | undefined;
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

function faultyStart({ machine, claims }: AggregateDefinition): readonly string[] {
  const start = initial(machine);
  if (start.status === 'error') return [`it can't start: ${start.error}`];
  try {
    toJson(start.context, 'context');
    if (Object.values(start.context).includes(undefined))
      return ['the context starts with an undefined value, which JSON forgets: use null'];
    return normaliseClaims(claims(start.context)).map((claim) => `it claims ${claim} before its first event`);
  } catch (error) {
    return [`its start throws: ${error instanceof Error ? error.message : String(error)}`];
  }
}

function faultyDeclaration({ upcasters, revision, schemas: { events } }: AggregateDefinition): readonly string[] {
  return [
    ...Object.keys(upcasters)
      .filter((type) => !has(events, type))
      .map((type) => `there are upcasters for ${type}, which is not declared`),
    ...(Number.isSafeInteger(revision) && revision >= 0
      ? []
      : [`the revision ${revision} is not a whole number from 0`]),
  ];
}
