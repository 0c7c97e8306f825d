import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { type Arrow, type ArrowOptions, arrowsOf, nodesOf } from './arrows.ts';

/**
 * A Mermaid `stateDiagram-v2` of any machine: the same text for the same machine. Of an aggregate it shows the events'
 * moves, labelled `Command / Event`.
 */
export function mermaid(machine: AnyStateMachine, options?: ArrowOptions): string {
  const arrows = arrowsOf(machine, options);
  const idOf = idsOf(machine);
  const { root } = machine;
  // Regions stand side by side only inside a state.
  const body = root.type === 'parallel' ? stateOf(root, idOf, '  ') : bodyOf(root, idOf, '  ');
  const fromAny =
    root.type !== 'parallel' && arrows.some(({ from }) => from === root)
      ? [`  state "any state" as ${idOf(root)}`]
      : [];
  return `${['stateDiagram-v2', ...body, ...fromAny, ...arrowLines(arrows, idOf)].join('\n')}\n`;
}

type IdOf = (node: AnyStateNode) => string;

/** What is inside a state: its children, where it begins, where it ends. */
function bodyOf(node: AnyStateNode, idOf: IdOf, indent: string): string[] {
  const children = Object.values(node.states);
  if (node.type === 'parallel') {
    return children.flatMap((child, index) => [
      ...(index === 0 ? [] : [`${indent}--`]),
      ...stateOf(child, idOf, indent),
    ]);
  }
  return [...initialOf(node, idOf, indent), ...children.flatMap((child) => stateOf(child, idOf, indent))];
}

function stateOf(node: AnyStateNode, idOf: IdOf, indent: string): string[] {
  const declared = `${indent}state "${node.key.replaceAll('"', "'")}" as ${idOf(node)}`;
  const inner = bodyOf(node, idOf, `${indent}  `);
  const lines = inner.length === 0 ? [declared] : [`${declared} {`, ...inner, `${indent}}`];
  return node.type === 'final' ? [...lines, `${indent}${idOf(node)} --> [*]`] : lines;
}

function initialOf(node: AnyStateNode, idOf: IdOf, indent: string): string[] {
  const first = node.type === 'compound' ? node.initial.target?.[0] : undefined;
  return first === undefined ? [] : [`${indent}[*] --> ${idOf(first)}`];
}

/** Arrows between the same two states share one line, each label on its own. */
function arrowLines(arrows: readonly Arrow[], idOf: IdOf): string[] {
  const labels = new Map<string, string[]>();
  for (const { from, to, label } of arrows) {
    const key = `${idOf(from)} --> ${idOf(to)}`;
    labels.set(key, [...(labels.get(key) ?? []), escaped(label)]);
  }
  return [...labels].map(([ends, texts]) => `  ${ends} : ${texts.join('<br/>')}`);
}

/** Mermaid's ids are words, each used once; the root is called by its machine. */
function idsOf(machine: AnyStateMachine): IdOf {
  const ids = new Map<AnyStateNode, string>();
  const taken = new Set<string>();
  for (const node of nodesOf(machine.root)) {
    const path = node.path.length === 0 ? [node.key] : node.path;
    let id = path.join('_').replaceAll(/\W/g, '_');
    while (taken.has(id) || keywords.has(id.toLowerCase())) id = `${id}_`;
    ids.set(node, id);
    taken.add(id);
  }
  return (node) => ids.get(node) ?? node.id;
}

/** What Mermaid's grammar takes for something else where a state's id stands; tried with mermaid 12.3. */
const keywords = new Set(
  'state note class classdef default style click href scale acctitle accdescr statediagram'.split(' '),
);

/** Colons and semicolons end a label, and labels are HTML. */
function escaped(label: string): string {
  return label.replaceAll(/[:;<>&]/g, (sign) => `#${sign.charCodeAt(0)};`);
}
