import { globSync, readFileSync, writeFileSync } from 'node:fs';
import type { AnyStateMachine } from 'xstate';
import { mermaid } from '../../src/diagrams/mermaid.ts';

const folder = new URL('../../machines/', import.meta.url);

export const readmePath = new URL('README.md', folder).pathname;

/** `machines/README.md` as the machines are now: a diagram of each. */
export async function machinesReadme(): Promise<string> {
  const files = globSync('*.machine.ts', { cwd: folder.pathname }).sort();
  return [intro, ...(await Promise.all(files.map(sectionOf)))].join('\n');
}

async function sectionOf(file: string): Promise<string> {
  const path = new URL(file, folder);
  for (const [name, value] of Object.entries(await import(path.href))) {
    const machine = machineIn(value);
    if (machine === undefined) continue;
    const sentence = sentenceOf(name, readFileSync(path, 'utf8'));
    return `## ${machine.id}\n\n${sentence} ([source](${file}))\n\n\`\`\`mermaid\n${mermaid(machine)}\`\`\`\n`;
  }
  throw new Error(`${file} exports no machine.`);
}

/** The first sentence of an export's doc comment. */
function sentenceOf(name: string, source: string): string {
  const [before = ''] = source.split(`export const ${name} =`);
  const comment = before.slice(before.lastIndexOf('/**') + 3, before.lastIndexOf('*/'));
  const text = comment.replaceAll(/\s*\n \*\s*/g, ' ').trim();
  // An initial's full stop, as in M. Nygard, ends no sentence.
  const [sentence] = /^.*?[\w`)"]{2}\.(?=\s|$)/.exec(text) ?? [];
  if (sentence === undefined || before.trimEnd().at(-1) !== '/') throw new Error(`${name} has no doc comment.`);
  return sentence;
}

/** A machine, or an aggregate's definition that has one. */
function machineIn(value: unknown): AnyStateMachine | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if ('root' in value) return value as AnyStateMachine;
  return 'machine' in value ? (value.machine as AnyStateMachine) : undefined;
}

const intro = `# Machines

Every state machine of this folder, drawn from the machine itself by \`npm run diagrams\`; a test fails when a drawing is
stale. An aggregate's arrow reads *command / event*: the command emits the event, the event moves the state. Refusals are
not drawn; \`GET /machines/:name\` lists them. The runtime's own machines drive what they show.
`;

if (import.meta.main) writeFileSync(readmePath, await machinesReadme());
