import type { AnyStateMachine, AnyTransitionDefinition } from 'xstate';
import { normaliseClaims } from './claims.ts';
import { toJson } from './codec.ts';
import type { AggregateDefinition } from './definition.ts';
import { isKnown } from './emissions.ts';
import { faultyCover } from './event-cover.ts';
import { initial } from './statechart.ts';
import { REFUSED } from './transitions.ts';

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
  const faults = [
    ...faultyNames(definition),
    ...nodes.flatMap((node) => faultyState(node, definition)),
    ...faultyCover(nodes, definition),
    ...faultyDeclaration(definition),
  ];
  // A machine that breaks a rule is not even started.
  return faults.length > 0 ? faults : faultyStart(definition);
}

type Node = AnyStateMachine['root'];

const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,99}$/;

function everyNode(node: Node): readonly Node[] {
  return [node, ...Object.values(node.states).flatMap(everyNode)];
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

function faultyState(node: Node, definition: AggregateDefinition): readonly string[] {
  const { machine } = definition;
  const here = nameOf(node);
  const quiet = (actions: readonly unknown[], where: string) => onlyAssigns(actions, `${here} ${where}`, machine);
  const always = node.always ?? [];
  return [
    ...['invoke', 'after', 'route']
      .filter((key) => key in node.config)
      .map((key) => `${here} has \`${key}\`, which an aggregate can't have`),
    ...[...node.transitions].flatMap(([type, transitions]) =>
      transitions.flatMap((transition) => faultyTransition(transition, type, `${here} on ${type}`, definition)),
    ),
    ...always.flatMap((transition) => [
      ...quiet(transition.actions, 'always'),
      ...faultyGuard(transition, `${here} always`, machine),
    ]),
    ...quiet(node.entry, 'on entry'),
    ...quiet(node.exit, 'on exit'),
    ...(node.type === 'compound' ? quiet(node.initial.actions, 'initially') : []),
    ...(node.exit.length > 0 && mayEnd(node)
      ? [`${here} has \`exit\`: at the end of the machine XState runs it with every message`]
      : []),
  ];
}

/** Whether the state may be active when the machine is done. */
function mayEnd(node: Node): boolean {
  return node.parent === undefined || node.type === 'final' || (node.parent.type === 'parallel' && mayEnd(node.parent));
}

function faultyTransition(
  transition: AnyTransitionDefinition,
  type: string,
  at: string,
  { machine, schemas }: AggregateDefinition,
): readonly string[] {
  const guard = faultyGuard(transition, at, machine);
  if (has(schemas.commands, type)) return [...faultyCommand(transition, at, machine), ...guard];
  if (has(schemas.events, type) || type.startsWith('xstate.done.state.'))
    return [...onlyAssigns(transition.actions, at, machine), ...guard];
  // What `invoke`, `after` and `route` add is told by their own names.
  if (type.startsWith('xstate.')) return [];
  return [
    `${at}: ${type.includes('*') ? 'wildcards are not for aggregates' : 'no command and no event of this name is declared'}`,
  ];
}

function faultyCommand(transition: AnyTransitionDefinition, at: string, machine: AnyStateMachine): readonly string[] {
  const faults: string[] = [];
  if (transition.target !== undefined) faults.push(`${at}: a command emits, it doesn't move`);
  if (transition.actions.length === 0) faults.push(`${at}: it neither emits nor refuses`);
  for (const action of transition.actions) {
    if (!isKnown(action)) {
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
