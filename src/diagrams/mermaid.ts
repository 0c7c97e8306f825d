import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { type Arrow, type ArrowOptions, arrowsOf } from './arrows.ts';

/**
 * A Mermaid `stateDiagram-v2` of any machine: the same text for the same machine. Of an aggregate it shows the events'
 * moves, labelled `Command / Event`.
 */
export function mermaid(machine: AnyStateMachine, options?: ArrowOptions): string {
  const arrows = arrowsOf(machine, options);
  const fromAny = arrows.some(({ from }) => from === machine.root)
    ? [`  state "any state" as ${idOf(machine.root)}`]
    : [];
  return `${['stateDiagram-v2', ...bodyOf(machine.root, '  '), ...fromAny, ...arrowLines(arrows)].join('\n')}\n`;
}

/** What is inside a state: its children, where it begins, where it ends. */
function bodyOf(node: AnyStateNode, indent: string): string[] {
  const children = Object.values(node.states);
  if (node.type === 'parallel') {
    return children.flatMap((child, index) => [...(index === 0 ? [] : [`${indent}--`]), ...stateOf(child, indent)]);
  }
  return [...initialOf(node, indent), ...children.flatMap((child) => stateOf(child, indent))];
}

function stateOf(node: AnyStateNode, indent: string): string[] {
  const declared = `${indent}state "${node.key}" as ${idOf(node)}`;
  const inner = bodyOf(node, `${indent}  `);
  const lines = inner.length === 0 ? [declared] : [`${declared} {`, ...inner, `${indent}}`];
  return node.type === 'final' ? [...lines, `${indent}${idOf(node)} --> [*]`] : lines;
}

function initialOf(node: AnyStateNode, indent: string): string[] {
  const first = node.type === 'compound' ? node.initial.target?.[0] : undefined;
  return first === undefined ? [] : [`${indent}[*] --> ${idOf(first)}`];
}

/** Arrows between the same two states share one line, each label on its own. */
function arrowLines(arrows: readonly Arrow[]): string[] {
  const labels = new Map<string, string[]>();
  for (const { from, to, label } of arrows) {
    const key = `${idOf(from)} --> ${idOf(to)}`;
    labels.set(key, [...(labels.get(key) ?? []), escaped(label)]);
  }
  return [...labels].map(([ends, texts]) => `  ${ends} : ${texts.join('<br/>')}`);
}

/** Mermaid's ids are words; the root is called by its machine. */
function idOf(node: AnyStateNode): string {
  const path = node.path.length === 0 ? [node.key] : node.path;
  return path.join('_').replaceAll(/\W/g, '_');
}

/** Colons and semicolons end a label. */
function escaped(label: string): string {
  return label.replaceAll(/[:;]/g, (sign) => `#${sign.charCodeAt(0)};`);
}
